import { pathToFileURL } from 'node:url';
import * as checks from '../../../core/errors/checks.js';
import { createArgumentError, createFileError } from '../../../core/errors/errors.js';
import { describeType } from '../../../core/errors/formatValue.js';
import type { Json } from '../../../core/json.js';
import { isStudy, type Study } from '../../../tuner/study.js';
import { checkRegularFile } from '../../platform/files/regularFile.js';

/**
 * Settings of a study: JSON values, keyed by name. They are passed to the default export of the study's module, if that export is a
 * function.
 *
 * @category Tuner
 */
export type StudySettings = { readonly [name: string]: Json };

/**
 * Imports a module by URL. In the CommonJS build, a literal `import()` would be converted to `require()`, which does not accept a
 * URL.
 */
const importModule = new Function('address', 'return import(address)') as (
  address: string,
) => Promise<unknown>;

/** Returns the URL of a module from its path or URL. */
export function toModuleUrl(module: string | URL): string {
  checks.valid('module', module, module instanceof URL || (typeof module === 'string' && module !== ''), {
    noun: 'the path or URL of a module',
    advice: "Write runStudy('search.ts', { folder: 'out/study' }).",
  });
  return module instanceof URL || /^\w+:\/\//.test(module) ? String(module) : pathToFileURL(module).href;
}

/**
 * Imports a module, and returns the study that it exports by default. If the default export is a function, it is called with
 * `settings`.
 *
 * @throws An `argument` error if the settings are not JSON values. A `file` error if the module cannot be imported, or exports no
 *   study. The errors that the function of the module throws.
 */
export async function loadStudy(module: string, settings: StudySettings): Promise<Study> {
  checkSettings(settings);
  const expected = 'a module whose default export is study({ … }), or a function that returns a study';
  let exported: unknown;
  try {
    await checkModuleFile(module);
    const namespace = (await importModule(module)) as { readonly default?: unknown };
    exported = namespace.default;
    // A CommonJS module that is compiled from an ES module has its default export one level deeper.
    if (!isStudy(exported) && typeof exported === 'object' && exported !== null && 'default' in exported)
      exported = exported.default;
  } catch (cause) {
    const { code, message = String(cause), stack = '' } = Object(cause) as Partial<NodeJS.ErrnoException>;
    const stackLine = stack.split('\n').find((line) => /^\s+at /.test(line));
    const advice =
      code === 'ERR_UNKNOWN_FILE_EXTENSION'
        ? 'Run Node with a loader for TypeScript, NODE_OPTIONS="--import tsx", or pass the compiled file.'
        : `Fix the import of this module${stackLine ? `, which fails ${stackLine.trim()}` : ''}.`;
    throw createFileError(module, expected, `a module that fails to load (${message})`, advice, cause);
  }
  const studyOrOther: unknown = typeof exported === 'function' ? await exported(settings) : exported;
  if (isStudy(studyOrOther)) return studyOrOther;
  throw createFileError(
    module,
    expected,
    exported === undefined
      ? 'a module without a default export'
      : `a module whose default export is ${describeType(studyOrOther)}`,
    'Export the study from its own file, because every trial imports it in a new process, and call runStudy() in another file.',
  );
}

/** Throws an error if the file of a module is a named pipe, a device or a socket, because importing such a file would never end. */
async function checkModuleFile(module: string): Promise<void> {
  if (!module.startsWith('file:')) return;
  await checkRegularFile(new URL(module)).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'NOT_A_FILE') throw error; // The import reports all other errors, and accepts a folder with some loaders.
  });
}

/**
 * Checks that settings are JSON values, because they are saved with the study and sent to other processes.
 *
 * @throws An `argument` error if a setting is not a JSON value, for example NaN or undefined in an array, which JSON would change to null.
 */
function checkSettings(settings: unknown): void {
  const advice =
    'Pass JSON values only, because settings are saved and sent to other processes; create objects in the module.';
  const isPlain = (value: unknown) =>
    typeof value === 'object' &&
    value !== null &&
    [Object.prototype, null].includes(Object.getPrototypeOf(value));
  const check = (value: unknown, path: string, parents: readonly unknown[]): void => {
    if (value === null || typeof value === 'string' || typeof value === 'boolean') return;
    if (Number.isFinite(value)) return;
    if (parents.includes(value))
      throw createArgumentError(path, 'a JSON value', 'an object that contains itself', advice);
    if (Array.isArray(value)) {
      // Array.from() turns holes into undefined, which JSON would turn into null.
      for (const [i, entry] of Array.from(value).entries())
        check(entry, `${path}[${i}]`, [...parents, value]);
      return;
    }
    if (!isPlain(value)) {
      const received = typeof value === 'number' ? String(value) : describeType(value);
      throw createArgumentError(path, 'a JSON value', received, advice);
    }
    for (const [name, entry] of Object.entries(value as object))
      if (entry !== undefined) check(entry, `${path}.${name}`, [...parents, value]);
  };
  if (!isPlain(settings))
    throw createArgumentError('settings', 'an object of JSON values', describeType(settings), advice);
  check(settings, 'settings', []);
}
