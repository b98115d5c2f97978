import * as checks from '../core/errors/checks.js';
import { createArgumentError } from '../core/errors/errors.js';
import { describeType } from '../core/errors/formatValue.js';
import { suggestAwait, suggestOption } from '../core/errors/suggestions.js';
import { HOOK_NAMES } from './callback.js';

/**
 * Hooks of this library, keyed by the name (without `_`) of the hook in Keras, PyTorch Lightning or an older version of TensorFlow.js that
 * is called at the same time.
 */
const HOOK_SYNONYMS: { readonly [name: string]: (typeof HOOK_NAMES)[number] } = {
  onBatchBegin: 'onBatchEnd',
  onEpochStart: 'onEpochBegin',
  onStepEnd: 'onBatchEnd',
  onTestEnd: 'onEpochEnd',
  onTrainBatchBegin: 'onBatchEnd',
  onTrainBatchEnd: 'onBatchEnd',
  onTrainEpochEnd: 'onEpochEnd',
  onTrainEpochStart: 'onEpochBegin',
  onTrainStart: 'onTrainBegin',
  onTrainingEnd: 'onTrainEnd',
  onTrainingStart: 'onTrainBegin',
  onValidationEnd: 'onEpochEnd',
};

/** Throws an `argument` error unless `callback` is a valid callback: an object with hooks, or an object with `create`, but not both. */
export function checkCallback(path: string, callback: unknown): void {
  if (typeof callback !== 'object' || callback === null) {
    const advice = 'Write earlyStopping(), or an object with a name and hooks such as onEpochEnd.';
    throw createArgumentError(path, 'a callback', describeType(callback), suggestAwait(callback, advice));
  }
  const { name } = callback as { readonly name?: unknown };
  if (name !== undefined) checks.text(`${path}.name`, name, { advice: "Write name: 'mine'." });
  checkHooks(path, callback);
  const properties = callback as { readonly [name: string]: unknown };
  const isFunction = (name: string) => typeof properties[name] === 'function';
  const hook = HOOK_NAMES.find(isFunction);
  if (isFunction('create')) {
    const other = hook ?? (isFunction('getState') ? 'getState' : undefined);
    if (other === undefined) return;
    const advice = 'Return the hooks and getState() from create() instead.';
    const received = `an object with create() and ${other}()`;
    throw createArgumentError(path, 'an object with either hooks or create()', received, advice);
  }
  if (isFunction('getState')) {
    const advice = 'Add create(run, saved), and let it return an object with the hooks and getState().';
    const received = 'an object with getState() and without create()';
    throw createArgumentError(
      path,
      'an object with create(), because the callback has state',
      received,
      advice,
    );
  }
  if (hook === undefined) {
    const advice = 'Add a hook such as onEpochEnd, or create(run, saved).';
    throw createArgumentError(path, 'a callback with at least one hook', 'an object without hooks', advice);
  }
}

/**
 * Throws an `argument` error for a hook that is not a function, and for a function whose name resembles a hook but is not the name of a
 * hook.
 *
 * - In a plain object, such a function is any function whose name begins with `on` and a capital letter or `_`.
 * - In an instance of a class, which may have unrelated methods such as `onData`, such a function is a method whose name is similar to that
 *   of a hook, or equal to the name of a hook in Keras or PyTorch Lightning.
 *
 * Other fields and methods are never rejected.
 */
export function checkHooks(path: string, hooks: unknown): void {
  if (typeof hooks !== 'object' || hooks === null) {
    const advice = 'Return an object with hooks such as onEpochEnd from create().';
    throw createArgumentError(path, 'an object with hooks', describeType(hooks), advice);
  }
  const properties = hooks as { readonly [name: string]: unknown };
  const isPlain = [Object.prototype, null].includes(Object.getPrototypeOf(hooks));
  for (const name of HOOK_NAMES) {
    const advice = 'Omit it, or pass a function.';
    if (properties[name] !== undefined) checks.callable(`${path}.${name}`, properties[name], { advice });
  }
  for (const name of listMethodNames(hooks)) {
    if (!/^on[A-Z_]/.test(name) || (HOOK_NAMES as readonly string[]).includes(name)) continue;
    const suggestion = suggestHook(name);
    if (!isPlain && suggestion === undefined) continue;
    const expected = `only the hooks ${HOOK_NAMES.join(', ')}`;
    throw createArgumentError(path, expected, `the hook ${name}`, suggestion ?? 'Use one of these names.');
  }
}

/** Returns the names of all methods of an object, including inherited methods. Getters are not called. */
function listMethodNames(object: object): string[] {
  const names: string[] = [];
  for (let level = object; level && level !== Object.prototype; level = Object.getPrototypeOf(level)) {
    for (const [name, { value }] of Object.entries(Object.getOwnPropertyDescriptors(level)))
      if (typeof value === 'function') names.push(name);
  }
  return names;
}

function suggestHook(name: string): string | undefined {
  const camelCase = name.replaceAll(/_(.)/g, (_, letter: string) => letter.toUpperCase());
  const synonym = Object.hasOwn(HOOK_SYNONYMS, camelCase) ? HOOK_SYNONYMS[camelCase] : undefined;
  return synonym ? `Did you mean "${synonym}"?` : suggestOption(name, HOOK_NAMES);
}

/** Throws an `argument` error unless `state` is a valid result of `getState`: JSON values, and weights if there are any. */
export function checkCallbackState(path: string, state: unknown): void {
  const advice =
    'Write getState: () => ({ values: { count } }), with numbers, strings, arrays and plain objects.';
  checks.record(path, state, { noun: 'an object with the values of the state', advice });
  checkJson(`${path}.values`, state.values, [], advice);
  if (state.arrays === undefined) return;
  checks.record(`${path}.arrays`, state.arrays, { noun: 'weights as getWeights() returns them', advice });
}

/** Throws an `argument` error unless `value` can be stored as JSON, in which numbers may be NaN and infinite. */
function checkJson(path: string, value: unknown, parents: readonly unknown[], advice: string): void {
  if (value === null || ['boolean', 'number', 'string'].includes(typeof value)) return;
  if (parents.includes(value))
    throw createArgumentError(
      path,
      'a value that JSON can represent',
      'an object that contains itself',
      advice,
    );
  if (Array.isArray(value)) {
    for (const [i, element] of value.entries())
      checkJson(`${path}[${i}]`, element, [...parents, value], advice);
    return;
  }
  if (Object.prototype.toString.call(value) !== '[object Object]')
    throw createArgumentError(
      path,
      'a value that JSON can represent',
      describeType(value),
      suggestAwait(value, advice),
    );
  for (const [name, property] of Object.entries(value as object))
    if (property !== undefined) checkJson(`${path}.${name}`, property, [...parents, value], advice);
}
