import { readFile } from 'node:fs/promises';
import { posix } from 'node:path';
import { sha256 } from '../../core/digest.js';

/** What follows `from`, `import` or `require` and begins with a dot. */
const RELATIVE_IMPORT = /\b(?:from|import|require)\s*\(?\s*(['"`])(\.{1,2}\/[^'"`\n]+)\1/g;

/** A TypeScript file is imported by the name that its compiled one would have. */
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
 * What tells the code of a study apart: the text of its module and of all that it imports by relative path, wherever they lie on this
 * machine. A word in a comment that reads like an import counts as one. Packages are not looked into, nor are aliases of paths.
 *
 * @param address - Of the module; one that is no file is its own mark.
 */
export async function computeCodeHash(address: string): Promise<string> {
  if (!address.startsWith('file:')) return address;
  const texts = new Map<string, string>();
  const visit = async (at: string, text: string): Promise<void> => {
    if (texts.has(at)) return;
    texts.set(at, text);
    for (const [, , specifier] of text.matchAll(RELATIVE_IMPORT)) {
      const found = await resolveSource(new URL(specifier!, at).href);
      if (found) await visit(...found);
    }
  };
  await visit(address, await readFile(new URL(address), 'utf8'));
  // The way from the module: the same on two machines that hold the same tree.
  const folder = posix.dirname(new URL(address).pathname);
  const own = [...texts].map(([at, text]) => [posix.relative(folder, new URL(at).pathname), text] as const);
  const parts = own.sort(([a], [b]) => (a < b ? -1 : 1)).map(([at, text]) => `${at}\n${text}`);
  return (await sha256(new TextEncoder().encode(parts.join('\n\0\n')))).slice(0, 16);
}

/** Address and text of the file that an import means. */
async function resolveSource(address: string): Promise<[string, string] | undefined> {
  const names = [address, ...SOURCE_EXTENSIONS.map(([end, own]) => address.replace(end, own))];
  for (const name of new Set(names)) {
    const text = await readFile(new URL(name), 'utf8').catch(() => undefined);
    if (text !== undefined) return [name, text];
  }
  return undefined;
}
