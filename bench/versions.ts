import { createRequire } from 'node:module';

/** The versions of those packages that are installed. */
export function versionsOf(packages: readonly string[]): { readonly [name: string]: string } {
  const require = createRequire(import.meta.url);
  return Object.fromEntries(
    packages.flatMap((name) => {
      try {
        return [[name, (require(`${name}/package.json`) as { version: string }).version]];
      } catch {
        return []; // one of two that would do
      }
    }),
  );
}
