import { createError, type ErrorDetails, isMultitaskError } from '../../../core/errors/errors.js';
import type { Store } from '../../../core/platform/platform.js';
import { writeIfAbsent } from '../../../core/platform/writeIfAbsent.js';
import type { HistoryRow } from '../../../core/records/history.js';
import type { Rung } from '../../../tuner/results/trialRecord.js';
import type { StudySettings } from './loadStudy.js';

/** What a process is told to try. */
export interface TrialSpec {
  /** Address of the module whose default export is the study. */
  readonly module: string;
  /** What that function is given, if it is one. */
  readonly settings: StudySettings;
  readonly number: number;
  readonly params: unknown;
  readonly rung: Rung | undefined;
  readonly threads: number;
  /** Of the trial's store, for messages. */
  readonly label: string;
}

/** What a process asks; each question has its answer by `id`. */
export type ParentRequest =
  | { readonly store: 'read' | 'remove' | 'list'; readonly name: string }
  | { readonly store: 'write' | 'append' | 'create'; readonly name: string; readonly bytes: Uint8Array }
  | { readonly row: HistoryRow }
  | { readonly pruned: string };

/** From the process of a trial. */
export type MessageFromTrial =
  | { readonly id: number; readonly asked: ParentRequest }
  | { readonly done: true }
  | { readonly failed: ErrorDetails | string };

/** To the process of a trial. */
export type MessageToTrial =
  | { readonly task: TrialSpec }
  | { readonly stop: true }
  | { readonly id: number; readonly answer: unknown }
  | { readonly id: number; readonly failed: ErrorDetails | string };

/** An error as it crosses between processes. */
export function serializeError(error: unknown): ErrorDetails | string {
  if (!isMultitaskError(error)) return error instanceof Error ? error.message : String(error);
  const { kind, path, expected, received, advice } = error;
  return { kind, path, expected, received, advice };
}

/** The error that crossed. */
export const deserializeError = (said: ErrorDetails | string): Error =>
  typeof said === 'string' ? new Error(said) : createError(said);

/** A store whose bytes are read and written by the process that asks for them in the end: this one has no access of its own. */
export function remoteStore(label: string, ask: (asked: ParentRequest) => Promise<unknown>): Store {
  return {
    label,
    read: async (name) => {
      const bytes = (await ask({ store: 'read', name })) as Uint8Array | undefined;
      return bytes && new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.length);
    },
    write: async (name, bytes) => void (await ask({ store: 'write', name, bytes })),
    create: async (name, bytes) => (await ask({ store: 'create', name, bytes })) as boolean,
    append: async (name, bytes) => void (await ask({ store: 'append', name, bytes })),
    remove: async (name) => void (await ask({ store: 'remove', name })),
    list: async (name = '') => (await ask({ store: 'list', name })) as string[],
  };
}

/** Does what a {@link remoteStore} asks. */
export async function serveStoreRequest(
  store: Store,
  asked: Extract<ParentRequest, { store: unknown }>,
): Promise<unknown> {
  if (!('bytes' in asked)) return store[asked.store](asked.name);
  const { name, bytes } = asked;
  return asked.store === 'create' ? writeIfAbsent(store, name, bytes) : store[asked.store](name, bytes);
}
