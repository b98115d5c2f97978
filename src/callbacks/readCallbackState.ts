import { createCheckpointError } from '../core/errors/errors.js';
import { formatValue } from '../core/errors/formatValue.js';
import type { CallbackState } from '../training/callback.js';

/** Fields of a value from a file, whose types are not checked yet. */
type UncheckedFields<S> = { readonly [K in keyof S]?: unknown };

/**
 * Returns the values that a callback saved in a checkpoint, or `initial` if the run has no checkpoint.
 *
 * @param isValid - Checks the values, which come from an untrusted file. Its argument is an empty object if the values are not an object.
 * @throws A `checkpoint` error if the values are not valid.
 */
export function readCallbackState<S>(
  callback: string,
  saved: CallbackState | undefined,
  initial: S,
  isValid: (values: UncheckedFields<NonNullable<S>>) => boolean,
): S {
  if (saved === undefined) return initial;
  const values: unknown = saved.values;
  const isObject = typeof values === 'object' && values !== null;
  if (isValid((isObject ? values : {}) as UncheckedFields<NonNullable<S>>)) return values as S;
  throw createCheckpointError(
    callback,
    'the values that this callback saves in a checkpoint',
    formatValue(saved.values),
    'Delete the checkpoint to start over, or restore the file from a backup.',
  );
}
