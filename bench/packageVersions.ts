import { createRequire } from 'node:module';

/** Returns the versions of installed packages, keyed by package name. Packages that are not installed are omitted. */
export function readVersions(packages: readonly string[]): { readonly [name: string]: string } {
  const require = createRequire(import.meta.url);
  return Object.fromEntries(
    packages.flatMap((name) => {
      try {
        return [[name, (require(`${name}/package.json`) as { version: string }).version]];
      } catch {
        return []; // One of two alternative packages.
      }
    }),
  );
}
