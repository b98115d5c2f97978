import { spawn } from 'node:child_process';
import { existsSync, readdirSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import type { PythonEngine } from './contestant.js';

const { platform } = process;

/** Only a CPU build has this mark on Linux and Windows, so none with CUDA (several GB) can be taken for it. */
const TORCH = platform === 'darwin' ? 'torch==2.13.0' : 'torch==2.13.0+cpu';
/** Where PyTorch's CPU builds are; the package index has those with CUDA. */
const TORCH_INDEX = 'https://download.pytorch.org/whl/cpu';
const TENSORFLOW = platform === 'darwin' ? 'tensorflow==2.21.0' : 'tensorflow-cpu==2.21.0';

/** What an engine needs, and the ways to get it, one after the other. */
const NEEDS: {
  readonly [E in PythonEngine]: { pins: readonly string[]; ways: readonly (readonly string[])[] };
} = {
  keras: { pins: [TENSORFLOW, 'keras==3.15.1'], ways: [[]] },
  torch: { pins: [TORCH], ways: [[], ['--extra-index-url', TORCH_INDEX]] },
};

/** A folder of the user's cache, outside any checkout. */
export function defaultEnvironment(): string {
  const { XDG_CACHE_HOME, LOCALAPPDATA } = process.env;
  const home = platform === 'darwin' ? join(homedir(), 'Library', 'Caches') : join(homedir(), '.cache');
  const cache = platform === 'win32' && LOCALAPPDATA ? LOCALAPPDATA : XDG_CACHE_HOME || home;
  return join(cache, 'tfjs-multitask', 'bench-python');
}

export interface EnvironmentOptions {
  /** Makes or completes it where packages are missing or of other versions than pinned. */
  readonly make: boolean;
  /** Told what takes long. */
  readonly log: (line: string) => void;
}

/**
 * The Python of a virtual environment in `folder` that has what `engine` needs, at the pinned versions.
 *
 * @throws Error that says what is missing and what to do, also when packages cannot be downloaded.
 */
export async function pythonOf(
  folder: string,
  engine: PythonEngine,
  { make, log }: EnvironmentOptions,
): Promise<string> {
  const python = platform === 'win32' ? join(folder, 'Scripts', 'python.exe') : join(folder, 'bin', 'python');
  const { pins, ways } = NEEDS[engine];
  const wanted = pins.join(' ');
  if ((await run(python, ['-c', HAS, ...pins])).code === 0) return python;
  if (!make) {
    throw new Error(
      `${engine}: ${folder} has no Python with ${wanted}. Make it with --env DIR, or give --python PATH.`,
    );
  }
  if ((await run(python, ['-m', 'pip', '--version'])).code !== 0) await makeEmpty(folder, engine, log);
  let said = '';
  for (const way of ways) {
    const args = ['install', '--retries', '1', ...way, ...pins];
    log(`pip ${args.join(' ')}`);
    const { code, output } = await run(python, ['-m', 'pip', ...args]);
    if (code === 0) return python;
    said = output;
  }
  throw new Error(
    `${engine}: pip could not install ${wanted} (${lastOf(said)}). It needs a network, or an index that has them; or give --python PATH, a Python that has them.`,
  );
}

/** Exits with 0 when all of `name==version` are there. */
const HAS = `
import sys, importlib.metadata as m
sys.exit(any(m.version(name) != version for name, version in (pin.split("==") for pin in sys.argv[1:])))`;

async function makeEmpty(folder: string, engine: string, log: (line: string) => void): Promise<void> {
  const foreign =
    existsSync(folder) && !existsSync(join(folder, 'pyvenv.cfg')) && readdirSync(folder).length > 0;
  if (foreign)
    throw new Error(`${engine}: --env ${folder}: expected a virtual environment, or an empty folder.`);
  log(`python3 -m venv ${folder}`);
  const base = platform === 'win32' ? 'python' : 'python3';
  const { code, output } = await run(base, ['-m', 'venv', '--clear', folder]);
  if (code === 0) return;
  throw new Error(
    `${engine}: ${base} -m venv failed (${lastOf(output)}). Install Python with its venv module, or give --python PATH.`,
  );
}

/** The line that says why: pip's last error, else the last line. */
function lastOf(output: string): string {
  const lines = output.split('\n').filter((line) => line.trim());
  return lines.findLast((line) => line.startsWith('ERROR:')) ?? lines.at(-1) ?? 'no word why';
}

/** A command's exit code (undefined when it does not start), and what it printed. */
function run(command: string, args: readonly string[]): Promise<{ code?: number | null; output: string }> {
  return new Promise((done) => {
    const child = spawn(command, args, { stdio: ['ignore', 'pipe', 'pipe'] });
    let output = '';
    for (const stream of [child.stdout, child.stderr]) stream.on('data', (text) => (output += text));
    child.once('error', (error) => done({ output: error.message }));
    child.once('close', (code) => done({ code, output }));
  });
}
