import { createArgumentError } from '../core/errors/errors.js';
import { describeType } from '../core/errors/formatValue.js';
import { didYouMean, suggestAwait } from '../core/errors/suggestions.js';
import { HOOK_NAMES } from './callback.js';

/** Throws an `argument` error unless `callback` is a valid callback: an object with hooks, or an object with `create`, and not both. */
export function checkCallback(path: string, callback: unknown): void {
  if (typeof callback !== 'object' || callback === null) {
    const advice = 'Write earlyStopping(), or an object with a name and hooks such as onEpochEnd.';
    throw createArgumentError(path, 'a callback', describeType(callback), suggestAwait(callback, advice));
  }
  const properties = callback as { readonly [name: string]: unknown };
  const isFunction = (name: string) => typeof properties[name] === 'function';
  const unknownHook = Object.keys(properties).find(
    (name) => /^on[A-Z]/.test(name) && !HOOK_NAMES.includes(name as never) && isFunction(name),
  );
  if (unknownHook !== undefined) {
    const expected = `only the hooks ${HOOK_NAMES.join(', ')}`;
    const advice = didYouMean(unknownHook, HOOK_NAMES) ?? 'Use one of these names.';
    throw createArgumentError(path, expected, `the hook ${unknownHook}`, advice);
  }
  const hook = HOOK_NAMES.find(isFunction);
  if (isFunction('create')) {
    const other = hook ?? (isFunction('getState') ? 'getState' : undefined);
    if (other === undefined) return;
    const advice = 'Return the hooks and getState() from create() instead.';
    const received = `an object with create() and ${other}()`;
    throw createArgumentError(path, 'an object with either hooks or create()', received, advice);
  }
  if (isFunction('getState')) {
    const advice = 'Add create(run, saved), and return an object with the hooks and getState() from it.';
    const received = 'an object with getState() and without create()';
    throw createArgumentError(path, 'an object with create(), because it has state', received, advice);
  }
  if (hook === undefined) {
    const advice = 'Add a hook such as onEpochEnd, or create(run, saved).';
    throw createArgumentError(path, 'a callback with at least one hook', 'an object without hooks', advice);
  }
}
