import { createIn } from '../../core/createIn.js';
import { type Fault, fault, isMultitaskError } from '../../core/errors.js';
import type { HistoryRow } from '../../core/history.js';
import type { Store } from '../../core/outside.js';
import type { Rung } from '../../tuner/records.js';
import type { Settings } from './loadStudy.js';

/** What a process is told to try. */
export interface Task {
  /** Address of the module whose default export is the study. */
  readonly module: string;
  /** What that function is given, if it is one. */
  readonly settings: Settings;
  readonly number: number;
  readonly values: unknown;
  readonly rung: Rung | undefined;
  readonly threads: number;
  /** Of the trial's store, for messages. */
  readonly label: string;
}

/** What a process asks; each question has its answer by `id`. */
export type Asked =
  | { readonly store: 'read' | 'remove' | 'list'; readonly name: string }
  | { readonly store: 'write' | 'append' | 'create'; readonly name: string; readonly bytes: Uint8Array }
  | { readonly row: HistoryRow }
  | { readonly pruned: string };

/** From the process of a trial. */
export type FromTrial =
  | { readonly id: number; readonly asked: Asked }
  | { readonly done: true }
  | { readonly failed: Fault | string };

/** To the process of a trial. */
export type ToTrial =
  | { readonly task: Task }
  | { readonly stop: true }
  | { readonly id: number; readonly answer: unknown }
  | { readonly id: number; readonly failed: Fault | string };

/** An error as it crosses between processes. */
export function sayable(error: unknown): Fault | string {
  if (!isMultitaskError(error)) return error instanceof Error ? error.message : String(error);
  const { kind, path, expected, received, advice } = error;
  return { kind, path, expected, received, advice };
}

/** The error that crossed. */
export const heard = (said: Fault | string): Error =>
  typeof said === 'string' ? new Error(said) : fault(said);

/** A store whose bytes are read and written by the process that asks for them in the end: this one has no access of its own. */
export function remoteStore(label: string, ask: (asked: Asked) => Promise<unknown>): Store {
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
export async function served(store: Store, asked: Extract<Asked, { store: unknown }>): Promise<unknown> {
  if (!('bytes' in asked)) return store[asked.store](asked.name);
  const { name, bytes } = asked;
  return asked.store === 'create' ? createIn(store, name, bytes) : store[asked.store](name, bytes);
}
