/** Runs a study with the arguments MODULE FOLDER OPTIONS. Prints the result or the error as JSON. */

import { createError } from '../../../src/core/errors/errors.js';
import { parseExact } from '../../../src/core/exactJson.js';
import { isMultitaskError, type Store } from '../../../src/entries/node.js';
import { folderStore, runStudy } from '../../../src/node/index.js';

const [module, folder, options] = process.argv.slice(2) as [string, string, string];
const { full, slow, ...studyOptions } = parseExact(options) as {
  readonly full?: number;
  readonly slow?: number;
};

/** Simulates a disk that becomes full after `files` files have been written. */
function limitFiles(store: Store, files: number): Store {
  let remaining = files;
  return {
    ...store,
    write: async (name, bytes) => {
      if (remaining-- > 0) return store.write(name, bytes);
      const advice = 'Check the space left on the disk.';
      throw createError({
        kind: 'file',
        path: name,
        expected: 'a place that can be written',
        received: 'ENOSPC',
        advice,
      });
    },
  };
}

/** Delays every append to a store. */
function delayAppends(store: Store, milliseconds: number): Store {
  return {
    ...store,
    append: async (name, bytes) => {
      await new Promise((resolve) => setTimeout(resolve, milliseconds));
      return store.append(name, bytes);
    },
  };
}

const createFolder = () => {
  if (full !== undefined) return limitFiles(folderStore(folder), full);
  return slow === undefined ? folder : delayAppends(folderStore(folder), slow);
};

const stop = new AbortController();
process.once('SIGINT', () => stop.abort());
try {
  const result = await runStudy(new URL(`./${module}.ts`, import.meta.url), {
    folder: createFolder(),
    ...studyOptions,
    signal: stop.signal,
    onChange: (trials) => process.stdout.write(`${trials.map(({ rows }) => rows.length).join(' ')}\n`),
  });
  process.stdout.write(`RESULT ${JSON.stringify(result)}\n`);
} catch (error) {
  if (!isMultitaskError(error)) throw error;
  const { kind, path, expected, received, advice } = error;
  process.stdout.write(`ERROR ${JSON.stringify({ kind, path, expected, received, advice })}\n`);
}
