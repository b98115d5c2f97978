import * as checks from '../errors/checks.js';
import { createArgumentError } from '../errors/errors.js';
import { formatValue } from '../errors/formatValue.js';

/**
 * Checks the name of a file in a store, which a user passed, and returns it in the form that `list` returns: `./a//b.csv` becomes `a/b.csv`.
 * Without this form, a run would not find the files of an earlier run under the same name.
 *
 * @throws An `argument` error for a value that is not a string, an empty name, an absolute path, and a name with `..` or `\`.
 */
export function toFileName(path: string, name: unknown, options: checks.CheckOptions): string {
  checks.string(path, name, { noun: 'a file name', ...options });
  const normalized = normalizeName(path, name as string, options);
  if (normalized !== '') return normalized;
  throw createArgumentError(path, options.noun ?? 'a file name', formatValue(name), options.advice);
}

/**
 * Checks the name of a folder in a store and returns it in the form that {@link toFileName} describes. The root of the store, for example
 * `.`, becomes an empty string.
 *
 * @throws An `argument` error for a value that is not a string, an absolute path, and a name with `..` or `\\`.
 */
export function toFolderName(path: string, name: unknown, options: checks.CheckOptions): string {
  checks.text(path, name, options);
  return normalizeName(path, name as string, options);
}

function normalizeName(path: string, name: string, { noun }: checks.CheckOptions): string {
  const parts = name.split('/');
  if (/^(?:[A-Za-z]:)?\/|\\|\0/.test(name) || parts.includes('..')) {
    throw createArgumentError(
      path,
      `${noun ?? 'a name'}, relative to the store`,
      formatValue(name),
      'Use a relative name with "/" as the separator and without "..".',
    );
  }
  return parts.filter((part) => part !== '' && part !== '.').join('/');
}
