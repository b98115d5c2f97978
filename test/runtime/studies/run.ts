/** Runs a study from the command line: MODULE FOLDER OPTIONS; prints its trials as JSON, or the fault that ended it. */

import { createError } from '../../../src/core/errors/errors.js';
import { parseExact } from '../../../src/core/exactJson.js';
import { isMultitaskError, type Store } from '../../../src/entries/node.js';
import { folderStore, runStudy } from '../../../src/node/index.js';

const [module, folder, options] = process.argv.slice(2) as [string, string, string];
const { full, slow, ...given } = parseExact(options) as { readonly full?: number; readonly slow?: number };

/** A folder on a disk that is full after so many files. */
function filling(store: Store, files: number): Store {
  let left = files;
  return {
    ...store,
    write: async (name, bytes) => {
      if (left-- > 0) return store.write(name, bytes);
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

/** A folder on a disk to which nothing is appended in less than so many milliseconds. */
function appending(store: Store, milliseconds: number): Store {
  return {
    ...store,
    append: async (name, bytes) => {
      await new Promise((resolve) => setTimeout(resolve, milliseconds));
      return store.append(name, bytes);
    },
  };
}

const place = () => {
  if (full !== undefined) return filling(folderStore(folder), full);
  return slow === undefined ? folder : appending(folderStore(folder), slow);
};

const stop = new AbortController();
process.once('SIGINT', () => stop.abort());
try {
  const result = await runStudy(new URL(`./${module}.ts`, import.meta.url), {
    folder: place(),
    ...given,
    signal: stop.signal,
    onChange: (trials) => process.stdout.write(`${trials.map(({ rows }) => rows.length).join(' ')}\n`),
  });
  process.stdout.write(`RESULT ${JSON.stringify(result)}\n`);
} catch (error) {
  if (!isMultitaskError(error)) throw error;
  const { kind, path, expected, received, advice } = error;
  process.stdout.write(`FAULT ${JSON.stringify({ kind, path, expected, received, advice })}\n`);
}
