/**
 * Runs programs one after another, each in an empty folder: `runExamples.ts FILE...`. It sends an {@link Outcome} to the parent
 * process for each program: the error that the program threw, and every output that differs from its comment.
 */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { pathToFileURL } from 'node:url';
import { format } from 'node:util';
import { inflateSync } from 'node:zlib';
import { writeFaces } from './writeFaces.js';

export interface Outcome {
  readonly file: string;
  /** Errors of the program. Empty if the program ran without errors. */
  readonly errors: readonly string[];
}

/** Removes formatting differences between a comment and an output: quotes, spaces and line breaks. */
const normalize = (text: string) => text.replaceAll(/\s+/g, '').replaceAll('"', "'");

/** Returns whether an output matches a comment. `…` in the comment matches any text. */
const matchesComment = (comment: string, output: string) =>
  new RegExp(
    `^${normalize(comment)
      .split('…')
      .map((part) => part.replaceAll(/[\\^$.*+?()[\]{}|]/g, '\\$&'))
      .join('.*')}$`,
  ).test(normalize(output));

/** Reads the model that the examples load. Keras saved this model, which has the tasks age and gender. */
function readKerasFile(): Uint8Array {
  const fixtures = new URL('../parity/fixtures/files.json', import.meta.url);
  const { faces } = JSON.parse(readFileSync(fixtures, 'utf8'));
  return inflateSync(Buffer.from(faces.open.files.keras, 'base64'));
}

for (const file of process.argv.slice(2)) {
  const errors: string[] = [];
  const folder = file.replace(/\.ts$/, '');
  mkdirSync(folder);
  process.chdir(folder);
  await writeFaces('faces');
  writeFileSync('face.keras', readKerasFile());
  Object.assign(globalThis, {
    checkOutput: (expected: string, ...values: unknown[]) => {
      const output = format(...values);
      if (!matchesComment(expected, output))
        errors.push(`expected the output ${expected}, received ${output}`);
    },
  });
  try {
    await import(pathToFileURL(file).href);
  } catch (error) {
    errors.push(String((error as Error).stack));
  }
  // Waits until the message is sent: `process.exit` would discard it.
  await new Promise((resolve) => process.send!({ file, errors } satisfies Outcome, resolve));
}
process.exit(0); // An example can leave a timer or a file watcher, which would keep the process alive.
