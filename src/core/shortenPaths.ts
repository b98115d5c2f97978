/** Folders of an absolute path of Linux, macOS or Windows, or of a `file:` URL, within text. The folders of a web address do not match. */
const FOLDERS =
  /(?<![\p{L}\p{N}_.:/\\~-])(?:file:\/\/\/?)?(?:\/|[A-Za-z]:[\\/]|\\\\)(?:[^\s/\\:*?"'<>|()]+[\\/])+/gu;

/** Start of an absolute path of Linux, macOS or Windows, or of a `file:` URL. */
export const PATH_START = /^(?:file:\/\/\/?)?(?:\/|[A-Za-z]:[\\/]|\\\\)/;

/** Text that consists of one absolute path, which can contain spaces. */
const ABSOLUTE_PATH = new RegExp(`${PATH_START.source}[^\\n]*$`);

/** Returns whether a text is an absolute path. */
export const isAbsolutePath = (text: string): boolean => ABSOLUTE_PATH.test(text);

/**
 * Replaces the absolute paths in a text by the names of their files. Records and reports are shared, and the folders of a disk often
 * contain the names of people.
 */
export function shortenPaths(text: string): string {
  if (isAbsolutePath(text)) return text.split(/[\\/]/).filter(Boolean).at(-1) ?? text;
  return text.replace(FOLDERS, '');
}

/** Replaces the absolute paths in all strings of a JSON value. */
export function shortenAllPaths<T>(value: T): T {
  if (typeof value === 'string') return shortenPaths(value) as T;
  if (Array.isArray(value)) return value.map(shortenAllPaths) as T;
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, part]) => [key, shortenAllPaths(part)])) as T;
}
