/**
 * Runs programs one after another, each in a folder of its own: `run.ts FILE…`. A line of JSON for each goes to the parent:
 * what it threw, and where it printed something else than the comment beside the line says.
 */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { pathToFileURL } from 'node:url';
import { format } from 'node:util';
import { inflateSync } from 'node:zlib';
import { writeFaces } from './faces.js';

export interface Outcome {
  readonly file: string;
  /** Empty when all is well. */
  readonly faults: readonly string[];
}

/** Quotes, spaces and line ends are the printer's, not the author's. */
const plain = (text: string) => text.replaceAll(/\s+/g, '').replaceAll('"', "'");

/** Whether `printed` is what the comment says; `…` in it stands for anything. */
const says = (comment: string, printed: string) =>
  new RegExp(
    `^${plain(comment)
      .split('…')
      .map((part) => part.replaceAll(/[\\^$.*+?()[\]{}|]/g, '\\$&'))
      .join('.*')}$`,
  ).test(plain(printed));

/** The model that examples read: one that Keras saved, with an age and a gender. */
function kerasFile(): Uint8Array {
  const fixtures = new URL('../parity/fixtures/files.json', import.meta.url);
  const { faces } = JSON.parse(readFileSync(fixtures, 'utf8'));
  return inflateSync(Buffer.from(faces.open.files.keras, 'base64'));
}

for (const file of process.argv.slice(2)) {
  const faults: string[] = [];
  const folder = file.replace(/\.ts$/, '');
  mkdirSync(folder);
  process.chdir(folder);
  await writeFaces('faces');
  writeFileSync('face.keras', kerasFile());
  Object.assign(globalThis, {
    shows: (expected: string, ...values: unknown[]) => {
      const printed = format(...values);
      if (!says(expected, printed)) faults.push(`prints ${printed}, the comment says ${expected}`);
    },
  });
  try {
    await import(pathToFileURL(file).href);
  } catch (error) {
    faults.push(String((error as Error).stack));
  }
  // Once it has gone: what ends the process here does not wait for it.
  await new Promise((resolve) => process.send!({ file, faults } satisfies Outcome, resolve));
}
process.exit(0); // an example may leave a timer or a watcher behind
