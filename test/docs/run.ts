/**
 * Runs programs one after another, each in a folder of its own: `run.ts FILE…`. A line of JSON for each goes to the parent:
 * what it threw, and where it printed something else than the comment beside the line says.
 */
import { mkdirSync } from 'node:fs';
import { pathToFileURL } from 'node:url';
import { format } from 'node:util';
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

for (const file of process.argv.slice(2)) {
  const faults: string[] = [];
  const folder = file.replace(/\.ts$/, '');
  mkdirSync(folder);
  process.chdir(folder);
  await writeFaces('faces');
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
  process.send!({ file, faults } satisfies Outcome);
}
process.exit(0); // an example may leave a timer or a watcher behind
