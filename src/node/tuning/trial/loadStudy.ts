import { pathToFileURL } from 'node:url';
import { createArgumentError, createFileError } from '../../../core/errors/errors.js';
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
  const expected = 'a module whose default export is study({ … }), or a function that returns it';
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
        ? 'Run Node with a loader for TypeScript, NODE_OPTIONS="--import tsx", or name the compiled file.'
        : `Fix the import of this module${at ? `, which fails ${at.trim()}` : ''}.`;
    throw createFileError(module, expected, `a module that fails to load (${message})`, advice, cause);
  }
  const made: unknown = typeof exported === 'function' ? await exported(settings) : exported;
  if (isStudy(made)) return made;
  throw createFileError(
    module,
    expected,
    exported === undefined ? 'no default export' : `a default export that is ${describeType(made)}`,
    'Export the study from its own file, because every trial imports it in a new process, and call runStudy() in another file.',
  );
}

/** Throws an `argument` fault for settings that are not JSON by name: they are written into the study, and go to other processes. */
function checkSettings(settings: unknown): void {
  const advice =
    'Pass JSON values only, because settings are saved and sent to other processes; create objects in the module.';
  const isPlain = (value: unknown) =>
    typeof value === 'object' &&
    value !== null &&
    [Object.prototype, null].includes(Object.getPrototypeOf(value));
  const check = (value: unknown, path: string): void => {
    if (value === null || ['string', 'number', 'boolean', 'undefined'].includes(typeof value)) return;
    if (!Array.isArray(value) && !isPlain(value))
      throw createArgumentError(path, 'a JSON value', describeType(value), advice);
    for (const [name, own] of Object.entries(value as object)) check(own, `${path}.${name}`);
  };
  if (!isPlain(settings))
    throw createArgumentError('settings', 'an object of JSON values', describeType(settings), advice);
  check(settings, 'settings');
}
