import { readFileSync } from 'node:fs';
import { arch, platform } from 'node:os';
import { join } from 'node:path';
import { getPackageFolder } from './packageFolder.js';

/** Returns the versions of this library and of Node, and the platform and architecture of the machine. */
export function getRuntimeVersions(): { readonly [name: string]: string } {
  const { version } = JSON.parse(readFileSync(join(getPackageFolder(), 'package.json'), 'utf8'));
  return { 'tfjs-multitask': version, node: process.versions.node, machine: `${platform()} ${arch()}` };
}
