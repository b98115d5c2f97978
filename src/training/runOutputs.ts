import * as checks from '../core/errors/checks.js';
import { createArgumentError, createCheckpointError, createFileError } from '../core/errors/errors.js';
import { describeType, formatValue } from '../core/errors/formatValue.js';
import type { Store } from '../core/platform/platform.js';
import { readStoreFile } from '../core/platform/readStoreFile.js';
import { toFileName } from '../core/platform/storeNames.js';
import type { Callback, CallbackOutput } from './callback.js';
import type { CallGuard } from './callGuard.js';
import { CHECKPOINT_FILE } from './checkpoint.js';

/** Settings of {@link RunOutputs}. */
export interface RunOutputSettings {
  readonly checkpoint: Store | undefined;
  readonly callbacks: readonly Callback<string>[];
  /** Whether a new run replaces the files of an earlier run. */
  readonly overwrite: boolean;
  /** Runs the calls of the stores. */
  readonly guard: CallGuard;
}

const PROBE_PREFIX = '.writable-';
const PROBE_FILE = /^\.writable-\d+-\d+$/;

/**
 * The files that a run writes: its checkpoint and the outputs of its callbacks. They are locked during the run. A new run does not start if
 * they contain files of an earlier run, unless it may replace these.
 */
export class RunOutputs {
  readonly #callbackOutputs: readonly CallbackOutput[];
  readonly #outputs: readonly CallbackOutput[];
  readonly #locks: { readonly name: string; readonly release: () => Promise<void> }[] = [];

  constructor(readonly settings: RunOutputSettings) {
    const { checkpoint, callbacks, guard } = settings;
    const outputs = [
      ...(checkpoint ? [{ store: checkpoint, name: CHECKPOINT_FILE }] : []),
      ...callbacks.flatMap(({ outputs = [] }) => outputs),
    ];
    this.#outputs = outputs.map((output) => ({
      ...output,
      store: guard.wrapStore(output.store),
      wasWrittenByRun: async (file) =>
        guard.run(
          `wasWrittenByRun() of the output ${output.name}`,
          () => output.wasWrittenByRun?.(file) ?? true,
        ),
    }));
    this.#callbackOutputs = this.#outputs.slice(checkpoint ? 1 : 0);
  }

  /**
   * Locks all outputs. Throws a `file` error if another run is writing one of them, and an `argument` error if two stores of this run are the
   * same folder and two outputs have the same name.
   *
   * Stores without locks are skipped.
   */
  async lock(): Promise<void> {
    for (const output of this.#outputs) {
      try {
        await this.#lockOutput(output);
      } catch (error) {
        // If the output can be locked after an output of the same name was unlocked, both are the same file.
        const index = this.#locks.findIndex(({ name }) => name === output.name);
        if (index < 0) throw error;
        const [earlier] = this.#locks.splice(index, 1);
        await earlier!.release();
        await this.#lockOutput(output).catch(() => {
          throw error;
        });
        throw createSharedOutputError('fit.callbacks', output, output.name === CHECKPOINT_FILE);
      }
    }
  }

  async #lockOutput({ store, name }: CallbackOutput): Promise<void> {
    const release = await store.lock?.(name);
    if (release) this.#locks.push({ name, release });
  }

  /** Releases the locks. A lock that cannot be removed is replaced by the next run. */
  async release(): Promise<void> {
    for (const { release } of this.#locks.splice(0).reverse()) await release().catch(() => {});
  }

  /** Throws a `file` error if an output contains files of an earlier run, and the run may not replace them. */
  async checkUnused(): Promise<void> {
    if (this.settings.overwrite) return;
    for (const output of this.#outputs) {
      const [file] = await listFiles(output);
      if (file === undefined) continue;
      const isOfRun = await output.wasWrittenByRun!(file);
      throw createUsedError(output.store, file, isOfRun, await this.#hasCheckpoint());
    }
  }

  /**
   * Checks that the stores of the callbacks can be written, by creating and removing an empty file with a random name in each. Such files of
   * runs that were killed are removed too.
   */
  async checkWritable(): Promise<void> {
    for (const { store } of this.#callbackOutputs) {
      const random = crypto.getRandomValues(new Uint32Array(2)).join('-');
      const name = `${PROBE_PREFIX}${random}`;
      try {
        for (const file of await store.list(PROBE_PREFIX))
          if (PROBE_FILE.test(file)) await store.remove(file);
        await store.write(name, new Uint8Array());
        await store.remove(name);
      } catch (error) {
        await store.remove(name).catch(() => {}); // A part of the file may have been written.
        throw error;
      }
    }
  }

  /**
   * Removes the files that an earlier run wrote. Other files remain, also if their names match. The checkpoint is removed first: without the
   * other files, it would not be complete.
   */
  async clear(): Promise<void> {
    for (const output of this.#outputs) {
      const removable: string[] = [];
      for (const file of await listFiles(output))
        if (await output.wasWrittenByRun!(file)) removable.push(file);
      for (const file of removable) await output.store.remove(file);
    }
  }

  async #hasCheckpoint(): Promise<boolean> {
    const [output] = this.#outputs;
    return this.settings.checkpoint !== undefined && (await listFiles(output!)).length > 0;
  }
}

/** Returns the names of the files of an output that exist. */
async function listFiles({ store, name, files }: CallbackOutput): Promise<string[]> {
  if (files) return (await store.list()).filter((file) => file.search(files) >= 0);
  if ((await store.list(name)).includes(name)) return [name];
  // `list` does not contain a file whose name the file system treats as equal, and omits pipes and devices, which `read` rejects.
  return (await readStoreFile(store, name)) === undefined ? [] : [name];
}

function createUsedError(store: Store, file: string, isOfRun: boolean, isResumable: boolean): Error {
  if (!isOfRun) {
    return createFileError(
      `${store.label}/${file}`,
      'no file that the run could replace',
      'a file that no earlier run wrote',
      'Choose another folder. With overwrite: true, fit() keeps the file until the run writes a file of the same name.',
    );
  }
  const resumeAdvice = isResumable ? 'resume: true to continue that run, ' : '';
  return createFileError(
    `${store.label}/${file}`,
    'no files of an earlier run',
    'a file of an earlier run',
    `Pass ${resumeAdvice}overwrite: true to fit() to replace its files, or choose another folder.`,
  );
}

/** Creates the error of a run that must be resumed, but has no checkpoint. */
export const createMissingCheckpointError = (store: Store): Error =>
  createCheckpointError(
    `${store.label}/${CHECKPOINT_FILE}`,
    'the checkpoint of a run',
    'no such file',
    "Check the folder, or pass resume: 'auto' to start a new run if there is no checkpoint.",
  );

/**
 * Throws an `argument` error for outputs of the wrong type, for names that are not in the form of `list`, and for two outputs of the run
 * that are the same files.
 */
export function checkOutputs(callbacks: readonly Callback<string>[], checkpoint: Store | undefined): void {
  const all: CallbackOutput[] = checkpoint ? [{ store: checkpoint, name: CHECKPOINT_FILE }] : [];
  for (const [i, { outputs = [] }] of callbacks.entries()) {
    const path = `fit.callbacks[${i}].outputs`;
    const advice = "Write outputs: [{ store, name: 'log.txt' }].";
    checks.list(path, outputs, { noun: 'an array of outputs', advice });
    for (const output of outputs) {
      const { store, name, files, wasWrittenByRun } = (output ?? {}) as Partial<CallbackOutput>;
      checks.store(`${path}.store`, store, { advice });
      const noun = 'the name of a file or folder';
      const normalized = toFileName(`${path}.name`, name, { noun, advice });
      if (normalized !== name)
        throw createArgumentError(`${path}.name`, noun, formatValue(name), `Write "${normalized}".`);
      if (files !== undefined && !(files instanceof RegExp))
        throw createArgumentError(`${path}.files`, 'a regular expression', describeType(files), advice);
      if (wasWrittenByRun !== undefined)
        checks.callable(`${path}.wasWrittenByRun`, wasWrittenByRun, { advice });
      const other = all.find((candidate) => areSameFiles(candidate, output));
      if (other)
        throw createSharedOutputError(
          `fit.callbacks[${i}]`,
          output,
          other.store === checkpoint && all[0] === other,
        );
      all.push(output);
    }
  }
}

const areSameFiles = (a: CallbackOutput, b: CallbackOutput) =>
  a.store === b.store && (a.name === b.name || matches(a, b.name) || matches(b, a.name));

const matches = ({ files }: CallbackOutput, name: string) => files !== undefined && name.search(files) >= 0;

const createSharedOutputError = (path: string, { store, name }: CallbackOutput, isCheckpoint: boolean) =>
  createArgumentError(
    path,
    'a callback that writes other files than the checkpoint and the callbacks before it',
    isCheckpoint
      ? `a callback that writes ${name}, the checkpoint of the same run, in ${store.label}`
      : `a second callback that writes ${name} in ${store.label}`,
    'Pass another name, another folder or another store to one of them.',
  );
