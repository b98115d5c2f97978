import { pathToFileURL } from 'node:url';
import { createError } from '../../../core/errors/errors.js';
import { describeType } from '../../../core/errors/formatValue.js';
import type { Json } from '../../../core/json.js';
import { isStudy, type Study } from '../../../tuner/study.js';

/**
 * What a study's module is given, if its default export is a function: JSON, by name.
 *
 * @category Tuner
 */
export type StudySettings = { readonly [name: string]: Json };

/** Node's `import`: the CommonJS build makes a `require` of the word, which takes no address. */
const importModule = new Function('address', 'return import(address)') as (
  address: string,
) => Promise<unknown>;

/** A module's address, of its path or its address. */
export const toModuleUrl = (module: string | URL): string =>
  module instanceof URL || /^\w+:\/\//.test(module) ? String(module) : pathToFileURL(module).href;

/**
 * The study that a module exports by default, or what the function that it exports makes of `settings`.
 *
 * @throws `argument` fault for settings that are no JSON; `file` fault for a module that cannot be imported, or exports something else; what the function throws.
 */
export async function loadStudy(module: string, settings: StudySettings): Promise<Study> {
  checkSettings(settings);
  const wrong = (received: string, advice: string, cause?: unknown) =>
    createError({
      kind: 'file',
      path: module,
      expected: 'a module whose default export is study({ … }), or a function that makes one',
      received,
      advice,
      cause,
    });
  let exported: unknown;
  try {
    const own = (await importModule(module)) as { readonly default?: unknown };
    exported = own.default;
    // A CommonJS module compiled from an ES module has its default one deeper.
    if (!isStudy(exported) && typeof exported === 'object' && exported !== null && 'default' in exported)
      exported = exported.default;
  } catch (cause) {
    const { code, message = String(cause), stack = '' } = Object(cause) as Partial<NodeJS.ErrnoException>;
    const at = stack.split('\n').find((line) => /^\s+at /.test(line));
    const advice =
      code === 'ERR_UNKNOWN_FILE_EXTENSION'
        ? 'Node reads TypeScript with a loader: NODE_OPTIONS="--import tsx"; or name the compiled file.'
        : `It could not be imported${at ? `: ${at.trim()}` : ''}.`;
    throw wrong(message, advice, cause);
  }
  const made: unknown = typeof exported === 'function' ? await exported(settings) : exported;
  if (isStudy(made)) return made;
  throw wrong(
    exported === undefined ? 'no default export' : `a default export that is ${typeof made}`,
    'Every trial imports it in a process of its own, so what runs the search stands in another file.',
  );
}

/** Throws an `argument` fault for settings that are not JSON by name: they are written into the study, and go to other processes. */
function checkSettings(settings: unknown): void {
  const wrong = (path: string, expected: string, value: unknown) =>
    createError({
      kind: 'argument',
      path,
      expected,
      received: describeType(value),
      advice:
        'They are written down and go to other processes: name what you mean, and make it in the module.',
    });
  const isPlain = (value: unknown) =>
    typeof value === 'object' &&
    value !== null &&
    [Object.prototype, null].includes(Object.getPrototypeOf(value));
  const check = (value: unknown, path: string): void => {
    if (value === null || ['string', 'number', 'boolean', 'undefined'].includes(typeof value)) return;
    if (!Array.isArray(value) && !isPlain(value)) throw wrong(path, 'JSON', value);
    for (const [name, own] of Object.entries(value as object)) check(own, `${path}.${name}`);
  };
  if (!isPlain(settings)) throw wrong('settings', 'JSON by name', settings);
  check(settings, 'settings');
}
