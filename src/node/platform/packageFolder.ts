import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

/**
 * Returns the folder of this package: the nearest folder with a `package.json`. The function works both in the source code and
 * in the built package.
 */
export function getPackageFolder(): string {
  const start = dirname(fileURLToPath(import.meta.url));
  let folder = start;
  while (!existsSync(join(folder, 'package.json'))) {
    const parent = dirname(folder);
    if (parent === folder)
      throw new Error(
        `${start}: expected a parent folder that contains package.json, received no such folder`,
      );
    folder = parent;
  }
  return folder;
}
