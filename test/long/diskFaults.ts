import fs, { type FileHandle } from 'node:fs/promises';
import { syncBuiltinESMExports } from 'node:module';

/**
 * How an operation fails.
 *
 * - `fails`: it has no effect.
 * - `half`: half of the bytes are written. Another operation takes effect completely, although it reports an error.
 * - `full`: this operation and all later writes fail without an effect. Files can still be removed.
 */
export type FaultMode = 'fails' | 'half' | 'full';

/** Result of an action during which a disk operation failed. */
export interface FaultResult<R> {
  readonly value?: R;
  readonly error?: unknown;
  /** The operation that failed first, for example `rename history.csv`. Undefined if the action had fewer operations. */
  readonly operation: string | undefined;
}

type Operation = (...parameters: any[]) => Promise<unknown>;

const original = { ...fs };
const METHODS = ['rename', 'link', 'mkdir', 'rm', 'writeFile'] as const;

const createDiskError = (operation: string, path: string) =>
  Object.assign(new Error(`ENOSPC: no space left on device, ${operation} '${path}'`), {
    code: 'ENOSPC',
    errno: -28,
    syscall: operation,
    path,
  });

/**
 * Runs an action while operation number `failing` of all operations that change files in `folder` fails. These are: opening a file for
 * writing, writing, flushing, renaming, linking and removing it, and creating a folder. Removing a temporary file always succeeds, because
 * a file that can be neither written nor removed would remain.
 */
export async function runWithFault<R>(
  folder: string,
  failing: number,
  mode: FaultMode,
  action: () => Promise<R>,
): Promise<FaultResult<R>> {
  let count = 0;
  let operation: string | undefined;
  const perform = async (name: string, path: unknown, effect: Operation, half: Operation = effect) => {
    const file = String(path);
    if (!file.startsWith(folder) || (name === 'rm' && file.endsWith('.unfinished'))) return effect();
    count++;
    const isFaulty = count === failing || (mode === 'full' && count > failing && name !== 'rm');
    if (!isFaulty) return effect();
    operation ??= `${name} ${file.slice(folder.length + 1)}`;
    if (mode === 'half') await half();
    throw createDiskError(name, file);
  };
  const wrapHandle = (handle: FileHandle, path: unknown) => {
    const write = handle.writeFile.bind(handle);
    const sync = handle.sync.bind(handle);
    handle.writeFile = ((bytes: Uint8Array) =>
      perform(
        'write',
        path,
        () => write(bytes),
        () => write(bytes.subarray(0, bytes.length >> 1)),
      )) as never;
    handle.sync = () => perform('fsync', path, () => sync()) as Promise<void>;
    return handle;
  };
  const patched = fs as unknown as Record<string, Operation>;
  for (const method of METHODS) {
    const call = original[method] as Operation;
    patched[method] = (...parameters) => perform(method, parameters[0], () => call(...parameters));
  }
  patched.open = async (path: string, flags?: string | number, ...rest: unknown[]) => {
    const isWritable = typeof flags === 'string' ? !/^rs?$/.test(flags) : ((flags ?? 0) & 3) !== 0;
    const open = () => original.open(path, flags, ...(rest as []));
    if (!isWritable) return open();
    const closeAgain = async () => (await open()).close();
    return wrapHandle((await perform('open', path, open, closeAgain)) as FileHandle, path);
  };
  syncBuiltinESMExports();
  try {
    const value = await action();
    return { value, operation };
  } catch (error) {
    return { error, operation };
  } finally {
    Object.assign(fs, original);
    syncBuiltinESMExports();
  }
}
