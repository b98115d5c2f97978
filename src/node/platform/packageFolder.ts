import { existsSync, readFileSync } from 'node:fs';
import { arch, platform } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** Where this package lies, from the sources and from the built file alike. */
export function getPackageFolder(): string {
  let folder = dirname(fileURLToPath(import.meta.url));
  while (!existsSync(join(folder, 'assets', 'fonts'))) folder = dirname(folder);
  return folder;
}

/** What ran: this library, Node and the kind of machine. */
export function getRuntimeVersions(): { readonly [name: string]: string } {
  const { version } = JSON.parse(readFileSync(join(getPackageFolder(), 'package.json'), 'utf8'));
  return { 'tfjs-multitask': version, node: process.versions.node, machine: `${platform()} ${arch()}` };
}
