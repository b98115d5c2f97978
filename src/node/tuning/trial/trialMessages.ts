import { createError, type ErrorDetails, isMultitaskError } from '../../../core/errors/errors.js';
import type { Store } from '../../../core/platform/platform.js';
import { readStoreFile } from '../../../core/platform/readStoreFile.js';
import { writeIfAbsent } from '../../../core/platform/writeIfAbsent.js';
import type { HistoryRow } from '../../../core/records/history.js';
import type { Rung } from '../../../tuner/results/trialRecord.js';
import type { StudySettings } from './loadStudy.js';

/** Study, params and limits of a trial, which are sent to the process that runs the trial. */
export interface TrialSpec {
  /** URL of the module whose default export is the study. */
  readonly module: string;
  /** Settings that are passed to the default export, if that export is a function. */
  readonly settings: StudySettings;
  readonly number: number;
  readonly params: unknown;
  readonly rung: Rung | undefined;
  readonly threads: number;
  /** Label of the trial's store, used in error messages. */
  readonly label: string;
}

/** Request from the process of a trial to its parent. The response has the same `id`. */
export type ParentRequest =
  | { readonly store: 'read' | 'remove' | 'list'; readonly name: string }
  | { readonly store: 'write' | 'append' | 'create'; readonly name: string; readonly bytes: Uint8Array }
  | { readonly row: HistoryRow }
  | { readonly pruned: string };

/** Message from the process of a trial to its parent. */
export type MessageFromTrial =
  | { readonly id: number; readonly asked: ParentRequest }
  | { readonly done: true }
  | { readonly failed: ErrorDetails | string };

/** Message from the parent to the process of a trial. */
export type MessageToTrial =
  | { readonly task: TrialSpec }
  | { readonly stop: true }
  | { readonly id: number; readonly answer: unknown }
  | { readonly id: number; readonly failed: ErrorDetails | string };

/** Converts an error to data that can be sent to another process. */
export function serializeError(error: unknown): ErrorDetails | string {
  if (!isMultitaskError(error)) return error instanceof Error ? error.message : String(error);
  const { kind, path, expected, received, advice } = error;
  return { kind, path, expected, received, advice };
}

/** Creates an error from the data that {@link serializeError} returned. */
export const deserializeError = (details: ErrorDetails | string): Error =>
  typeof details === 'string' ? new Error(details) : createError(details);

/** Creates a store that sends every request to the parent process, which reads and writes the files. */
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

/** Executes a request of a {@link remoteStore} in the parent process. */
export async function serveStoreRequest(
  store: Store,
  asked: Extract<ParentRequest, { store: unknown }>,
): Promise<unknown> {
  if (asked.store === 'read') return readStoreFile(store, asked.name);
  if (!('bytes' in asked)) return store[asked.store](asked.name);
  const { name, bytes } = asked;
  return asked.store === 'create' ? writeIfAbsent(store, name, bytes) : store[asked.store](name, bytes);
}
