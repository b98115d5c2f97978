import { spawnSync } from 'node:child_process';
import { arch, cpus, loadavg, totalmem, type } from 'node:os';
import type { EngineInfo } from './engineProcess.js';

/** Returns the name and the driver of the first NVIDIA GPU, or undefined if nvidia-smi finds no GPU. */
export function findGpu(): string | undefined {
  const args = ['--query-gpu=name,driver_version', '--format=csv,noheader'];
  const { status, stdout } = spawnSync('nvidia-smi', args, { encoding: 'utf8' });
  const [name, driver] = status === 0 ? stdout.split('\n')[0]!.split(',') : [];
  return name?.trim() ? `${name.trim()} (driver ${driver?.trim()})` : undefined;
}

/** Returns the device on which an engine runs: the name of the GPU, or `CPU`. */
export const formatDevice = ({ device }: EngineInfo, gpu: string | undefined): string =>
  device === 'GPU' ? (gpu ?? 'a GPU') : 'CPU';

/**
 * Returns one sentence about the processor, memory, operating system and load of the machine.
 *
 * @param gflops - Speed of a single-precision matrix product in GFLOP/s. If undefined, it is omitted.
 */
export function describeMachine(gflops: number | undefined): string {
  const model = cpus()[0]?.model.trim() || 'unknown processor';
  const memory = Math.round(totalmem() / 2 ** 30);
  const load = loadavg()[0]!.toFixed(1);
  const limit = gflops === undefined ? '' : `single-precision matrix product ${gflops} GFLOP/s; `;
  return `${model}, ${cpus().length} cores, ${memory} GiB of memory, ${type()} ${arch()}; ${limit}load average at the start ${load}.`;
}
