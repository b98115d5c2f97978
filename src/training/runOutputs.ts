import * as checks from '../core/errors/checks.js';
import { createArgumentError, createCheckpointError, createFileError } from '../core/errors/errors.js';
import { describeType } from '../core/errors/formatValue.js';
import type { Store } from '../core/platform/platform.js';
import type { Callback, CallbackOutput } from './callback.js';
import { CHECKPOINT_FILE } from './checkpoint.js';

/** Settings of {@link RunOutputs}. */
export interface RunOutputSettings {
  readonly checkpoint: Store | undefined;
  readonly callbacks: readonly Callback<string>[];
  /** Whether a new run replaces the files of an earlier run. */
  readonly overwrite: boolean;
}

/**
 * The files that a run writes: its checkpoint and the outputs of its callbacks. They are locked during the run. A new run does not start if
 * they contain files of an earlier run, unless it may replace these.
 */
export class RunOutputs {
  readonly #callbackOutputs: readonly CallbackOutput[];
  readonly #outputs: readonly CallbackOutput[];
  readonly #releases: (() => Promise<void>)[] = [];

  constructor(readonly settings: RunOutputSettings) {
    const { checkpoint, callbacks } = settings;
    this.#callbackOutputs = callbacks.flatMap(({ outputs = [] }) => outputs);
    this.#outputs = [
      ...(checkpoint ? [{ store: checkpoint, name: CHECKPOINT_FILE }] : []),
      ...this.#callbackOutputs,
    ];
  }

  /**
   * Locks all outputs. Throws a `file` error if another run is writing one of them.
   *
   * Stores without locks are skipped.
   */
  async lock(): Promise<void> {
    for (const { store, name } of this.#outputs) {
      const release = await store.lock?.(name);
      if (release) this.#releases.push(release);
    }
  }

  /** Releases the locks. A lock that cannot be removed is replaced by the next run. */
  async release(): Promise<void> {
    for (const release of this.#releases.splice(0).reverse()) await release().catch(() => {});
  }

  /** Throws a `file` error if an output contains files of an earlier run, and the run may not replace them. */
  async checkUnused(): Promise<void> {
    if (this.settings.overwrite) return;
    for (const output of this.#outputs) {
      const [file] = await listFiles(output);
      if (file !== undefined) throw createUsedError(output.store, file, await this.#hasCheckpoint());
    }
  }

  /** Checks that the stores of the callbacks can be written, by creating and removing an empty file in each. */
  async checkWritable(): Promise<void> {
    for (const { store } of this.#callbackOutputs) {
      await store.write('.writable', new Uint8Array());
      await store.remove('.writable');
    }
  }

  /** Removes the files of an earlier run. The checkpoint is removed first: without the other files, it would not be complete. */
  async clear(): Promise<void> {
    for (const output of this.#outputs)
      for (const file of await listFiles(output)) await output.store.remove(file);
  }

  async #hasCheckpoint(): Promise<boolean> {
    const { checkpoint } = this.settings;
    return checkpoint !== undefined && (await checkpoint.list(CHECKPOINT_FILE)).includes(CHECKPOINT_FILE);
  }
}

/** Returns the names of the files of an output that exist. */
async function listFiles({ store, name, files }: CallbackOutput): Promise<string[]> {
  if (!files) return (await store.list(name)).filter((file) => file === name);
  return (await store.list()).filter((file) => file.search(files) >= 0);
}

function createUsedError(store: Store, file: string, isResumable: boolean): Error {
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

/** Throws an `argument` error for outputs of the wrong type, and for two callbacks that write the same files. */
export function checkOutputs(callbacks: readonly Callback<string>[]): void {
  const all: CallbackOutput[] = [];
  for (const [i, { outputs = [] }] of callbacks.entries()) {
    const path = `fit.callbacks[${i}].outputs`;
    const advice = "Write outputs: [{ store, name: 'log.txt' }].";
    checks.list(path, outputs, { noun: 'an array of outputs', advice });
    for (const output of outputs) {
      const { store, name, files } = (output ?? {}) as Partial<CallbackOutput>;
      checks.store(`${path}.store`, store, { advice });
      checks.string(`${path}.name`, name, { noun: 'the name of a file or folder', advice });
      if (files !== undefined && !(files instanceof RegExp))
        throw createArgumentError(`${path}.files`, 'a regular expression', describeType(files), advice);
      if (all.some((other) => other.store === store && other.name === name)) {
        throw createArgumentError(
          `fit.callbacks[${i}]`,
          'a callback that writes other files than the callbacks before it',
          `a second callback that writes ${name} in ${output.store.label}`,
          'Pass another name, another folder or another store to one of them.',
        );
      }
      all.push(output);
    }
  }
}
