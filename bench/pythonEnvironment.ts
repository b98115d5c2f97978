import { spawn } from 'node:child_process';
import { existsSync, readdirSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import type { PythonEngine } from './engineProcess.js';

const { platform } = process;

/**
 * Pinned version of PyTorch. On Linux and Windows, only CPU builds have `+cpu` in their version, so a CUDA build of several GB is never
 * installed.
 */
const TORCH = platform === 'darwin' ? 'torch==2.13.0' : 'torch==2.13.0+cpu';
/** Package index of PyTorch's CPU builds. The default package index contains CUDA builds. */
const TORCH_INDEX = 'https://download.pytorch.org/whl/cpu';
const TENSORFLOW = platform === 'darwin' ? 'tensorflow==2.21.0' : 'tensorflow-cpu==2.21.0';

const SCIPY = 'scipy==1.17.1';

interface Requirements {
  readonly packages: readonly string[];
  /** Options of pip that are tried in order. */
  readonly pipOptions: readonly (readonly string[])[];
}

const TORCH_REQUIREMENTS: Requirements = {
  packages: [TORCH],
  pipOptions: [[], ['--extra-index-url', TORCH_INDEX]],
};

/** Pinned packages of each Python engine. */
const REQUIREMENTS: { readonly [E in PythonEngine]: Requirements } = {
  // ImageDataGenerator needs SciPy.
  keras: { packages: [TENSORFLOW, 'keras==3.15.1', SCIPY], pipOptions: [[]] },
  torch: TORCH_REQUIREMENTS,
  'torch-compile': TORCH_REQUIREMENTS,
};

/** Returns the default folder of the virtual environment. It is in the user's cache folder, so that all checkouts share it. */
export function getDefaultEnvironment(): string {
  const { XDG_CACHE_HOME, LOCALAPPDATA } = process.env;
  const home = platform === 'darwin' ? join(homedir(), 'Library', 'Caches') : join(homedir(), '.cache');
  const cache = platform === 'win32' && LOCALAPPDATA ? LOCALAPPDATA : XDG_CACHE_HOME || home;
  return join(cache, 'tfjs-multitask', 'bench-python');
}

export interface EnvironmentOptions {
  /** Whether to create the environment if it is missing, and to install the pinned versions if they are missing. */
  readonly create: boolean;
  /** Callback that receives a line of text before each slow step. */
  readonly log: (line: string) => void;
}

/**
 * Returns the Python interpreter of a virtual environment in `folder` that has the packages of `engine` in the pinned
 * versions.
 *
 * @throws Error if packages are missing and `create` is false, or if they cannot be installed.
 */
export async function preparePython(
  folder: string,
  engine: PythonEngine,
  { create, log }: EnvironmentOptions,
): Promise<string> {
  const python = platform === 'win32' ? join(folder, 'Scripts', 'python.exe') : join(folder, 'bin', 'python');
  const { packages, pipOptions } = REQUIREMENTS[engine];
  const requirements = packages.join(' ');
  if ((await run(python, ['-c', CHECK_VERSIONS, ...packages])).code === 0) return python;
  if (!create) {
    throw new Error(
      `${engine}: expected a Python environment with ${requirements} in ${folder}, received a folder without these packages. Pass --env DIR to create an environment, or --python PATH to use an existing interpreter.`,
    );
  }
  if ((await run(python, ['-m', 'pip', '--version'])).code !== 0)
    await createEnvironment(folder, engine, log);
  let lastOutput = '';
  for (const options of pipOptions) {
    const args = ['install', '--retries', '1', ...options, ...packages];
    log(`pip ${args.join(' ')}`);
    const { code, output } = await run(python, ['-m', 'pip', ...args]);
    if (code === 0) return python;
    lastOutput = output;
  }
  throw new Error(
    `${engine}: pip could not install ${requirements} (${findReason(lastOutput)}). Connect to a network or configure a package index, or pass --python PATH to use a Python that has the packages.`,
  );
}

/** Python program that exits with 0 if every `name==version` of its arguments is installed. */
const CHECK_VERSIONS = `
import sys, importlib.metadata as m
sys.exit(any(m.version(name) != version for name, version in (pin.split("==") for pin in sys.argv[1:])))`;

async function createEnvironment(folder: string, engine: string, log: (line: string) => void): Promise<void> {
  const isForeign =
    existsSync(folder) && !existsSync(join(folder, 'pyvenv.cfg')) && readdirSync(folder).length > 0;
  if (isForeign) {
    throw new Error(
      `${engine}: --env ${folder}: expected a virtual environment, or an empty folder, received a folder with other files.`,
    );
  }
  log(`python3 -m venv ${folder}`);
  const basePython = platform === 'win32' ? 'python' : 'python3';
  const { code, output } = await run(basePython, ['-m', 'venv', '--clear', folder]);
  if (code === 0) return;
  throw new Error(
    `${engine}: ${basePython} -m venv failed (${findReason(output)}). Install Python with its venv module, or pass --python PATH.`,
  );
}

/** Returns the line of pip's output that states the reason for a failure: the last error, or the last line. */
function findReason(output: string): string {
  const lines = output.split('\n').filter((line) => line.trim());
  return lines.findLast((line) => line.startsWith('ERROR:')) ?? lines.at(-1) ?? 'no reason was printed';
}

/** Runs a command. Returns its output and its exit code, which is undefined if the command does not start. */
function run(command: string, args: readonly string[]): Promise<{ code?: number | null; output: string }> {
  return new Promise((resolve) => {
    const child = spawn(command, args, { stdio: ['ignore', 'pipe', 'pipe'] });
    let output = '';
    for (const stream of [child.stdout, child.stderr]) stream.on('data', (text) => (output += text));
    child.once('error', (error) => resolve({ output: error.message }));
    child.once('close', (code) => resolve({ code, output }));
  });
}
