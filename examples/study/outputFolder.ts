import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { folderStore } from 'tfjs-multitask/node';
import type { StudyArguments } from './arguments.js';

/** Files that a training run of an example writes to its output folder. */
const RUN_FILES =
  /^(?:(?:run|summary)\.json|report\.html|history\.csv|checkpoint\.safetensors|\w+\.h5|(?:age-curves|gender-curves|architecture)\.(?:svg|png)|(?:best|figures|pictures)\/.*)$/;

/**
 * Locks the output folder of an example until the process ends. If it has files of an earlier run, ends the process with the exit code 2,
 * unless `--resume` continues that run. `--overwrite` removes the files.
 *
 * @param files - Matches the files that the example writes. Default: those of a training run.
 */
export async function prepareOutputFolder(
  { out, resume, overwrite }: Pick<StudyArguments, 'out' | 'resume' | 'overwrite'>,
  files: RegExp = RUN_FILES,
): Promise<void> {
  const store = folderStore(out);
  await store.lock?.('example');
  process.once('exit', () => rmSync(join(out, 'example.lock'), { force: true }));
  const earlierFiles = (await store.list()).filter((name) => files.test(name));
  if (resume || earlierFiles.length === 0) return;
  if (!overwrite) {
    console.error(
      `${out} has files of an earlier run: add --resume to continue it, --overwrite to replace it, or choose another --out.`,
    );
    process.exit(2);
  }
  for (const name of earlierFiles) await store.remove(name);
}
