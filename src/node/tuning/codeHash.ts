import { posix } from 'node:path';
import { sha256 } from '../../core/digest.js';
import { readRegularFile } from '../platform/files/regularFile.js';

/** Pattern of an import by relative path, after `from`, `import` or `require`. */
const RELATIVE_IMPORT = /\b(?:from|import|require)\s*\(?\s*(['"`])(\.{1,2}\/[^'"`\n]+)\1/g;

/**
 * Replacements for the file extension of an import. They are tried in order to find the source file, because TypeScript code imports a
 * file by the name of its compiled file.
 */
const SOURCE_EXTENSIONS: readonly (readonly [RegExp, string])[] = [
  [/\.js$/, '.ts'],
  [/\.js$/, '.tsx'],
  [/\.mjs$/, '.mts'],
  [/\.cjs$/, '.cts'],
  [/$/, '.ts'],
  [/$/, '.js'],
  [/$/, '/index.ts'],
  [/$/, '/index.js'],
];

/**
 * Computes the hash of the code of a study: the text of its module and of all files that are imported by relative path. The hash
 * does not depend on the folder that contains the files. Packages and path aliases are not included. Text in comments that looks
 * like an import is treated as an import.
 *
 * @param moduleUrl - URL of the module. If it is not a file URL, it is returned instead of a hash.
 */
export async function computeCodeHash(moduleUrl: string): Promise<string> {
  if (!moduleUrl.startsWith('file:')) return moduleUrl;
  const texts = new Map<string, string>();
  const visit = async (fileUrl: string, text: string): Promise<void> => {
    if (texts.has(fileUrl)) return;
    texts.set(fileUrl, text);
    for (const [, , specifier] of text.matchAll(RELATIVE_IMPORT)) {
      const source = await resolveSource(new URL(specifier!, fileUrl).href);
      if (source) await visit(...source);
    }
  };
  await visit(moduleUrl, await readText(moduleUrl));
  // Paths relative to the module are used because they are the same on all machines that have the same files.
  const folder = posix.dirname(new URL(moduleUrl).pathname);
  const textsByPath = [...texts].map(
    ([fileUrl, text]) => [posix.relative(folder, new URL(fileUrl).pathname), text] as const,
  );
  const parts = textsByPath.sort(([a], [b]) => (a < b ? -1 : 1)).map(([path, text]) => `${path}\n${text}`);
  return (await sha256(new TextEncoder().encode(parts.join('\n\0\n')))).slice(0, 16);
}

/** Returns the URL and the text of the file that an import refers to, or undefined if the file does not exist. */
async function resolveSource(importUrl: string): Promise<[string, string] | undefined> {
  const candidates = [
    importUrl,
    ...SOURCE_EXTENSIONS.map(([pattern, extension]) => importUrl.replace(pattern, extension)),
  ];
  for (const url of new Set(candidates)) {
    const text = await readText(url).catch(() => undefined);
    if (text !== undefined) return [url, text];
  }
  return undefined;
}

const readText = async (fileUrl: string) => new TextDecoder().decode(await readRegularFile(new URL(fileUrl)));
