import { spawnSync } from 'node:child_process';
import { arch, cpus, loadavg, totalmem, type } from 'node:os';
import type { About } from './contestant.js';

/** The first NVIDIA GPU by name, with its driver; undefined without one. */
export function gpuOf(): string | undefined {
  const asked = ['--query-gpu=name,driver_version', '--format=csv,noheader'];
  const { status, stdout } = spawnSync('nvidia-smi', asked, { encoding: 'utf8' });
  const [name, driver] = status === 0 ? stdout.split('\n')[0]!.split(',') : [];
  return name?.trim() ? `${name.trim()} (driver ${driver?.trim()})` : undefined;
}

/** The device that a figure is marked with. */
export const deviceOf = ({ device }: About, gpu: string | undefined): string =>
  device === 'GPU' ? (gpu ?? 'a GPU') : 'CPU';

/** A sentence. */
export function machine(): string {
  const model = cpus()[0]?.model.trim() || 'unknown processor';
  const memory = Math.round(totalmem() / 2 ** 30);
  const load = loadavg()[0]!.toFixed(1);
  return `${model}, ${cpus().length} cores, ${memory} GiB of memory, ${type()} ${arch()}; load average at the start ${load}.`;
}
