import { didYouMean, fault } from '../core/errors.js';
import type { PackageLoader } from '../core/outside.js';
import { findNative, loadNativeBackend, NATIVE_BUILD, NATIVE_INSTALL } from '../tensor/native.js';
import { tf } from '../tensor/tf.js';
import { loadWasmBackend } from '../tensor/wasm.js';

/**
 * What executes a step: a TensorFlow.js backend.
 *
 * @category Engines
 */
export type EngineName = 'native' | 'wasm' | 'webgpu' | 'webgl' | 'cpu';

/**
 * Which engine runs, and why.
 *
 * @category Engines
 */
export interface EngineChoice {
  /** The backend that now executes. */
  readonly name: EngineName;
  /** A sentence for people. */
  readonly reason: string;
  /** A faster engine that is not installed, or does not load, and the command that mends that. */
  readonly faster?: {
    /** The engine. */
    readonly name: EngineName;
    /** A command for the shell. */
    readonly install: string;
  };
}

/**
 * What choosing an engine may use.
 *
 * @category Engines
 */
export interface EngineOptions {
  /** Told which engine was chosen, and why. */
  readonly log?: (line: string) => void;
  /** Finds optional packages; `tfjs-multitask/node` hands in its own. Without it `native` is not looked for. */
  readonly load?: PackageLoader;
}

/**
 * Makes an engine the one that TensorFlow.js uses, in this whole process, loading it and registering the kernels and
 * gradients it lacks. `fit`, `evaluate` and `predict` call it; importing the library changes nothing.
 *
 * `auto` takes the fastest that is installed: in Node `native` (`@tensorflow/tfjs-node-gpu` or `@tensorflow/tfjs-node`),
 * else `wasm`, which always is; in a page `webgpu`, `webgl` or `wasm`, whichever of them has been loaded.
 *
 * @param request - `auto`, or an engine by name, which never falls back to another.
 * @throws `missing-package` fault when a named engine is not installed, `broken-package` fault when its package does
 *   not load, `engine` fault when it does not start.
 * @example
 * ```ts
 * import { useEngine } from 'tfjs-multitask';
 *
 * const { name, reason } = await useEngine('wasm');
 * console.log(name, '-', reason); // wasm - asked for by name
 * ```
 * @category Engines
 */
export async function useEngine(
  request: EngineName | 'auto' = 'auto',
  { log = () => {}, load }: EngineOptions = {},
): Promise<EngineChoice> {
  const before = starting;
  const chosen = (async () => {
    await before.catch(() => {}); // its caller hears of it
    return request === 'auto' ? fastest(load) : named(request, load);
  })();
  starting = chosen;
  const choice = await chosen;
  log(`engine ${choice.name}: ${choice.reason}`);
  if (choice.faster) log(`faster: ${choice.faster.name}, ${choice.faster.install}`);
  return choice;
}

/** TensorFlow.js starts one backend at a time: of two that begin together it drops one. */
let starting: Promise<unknown> = Promise.resolve();

const start: { readonly [Name in EngineName]: (load?: PackageLoader) => Promise<void> } = {
  native: async (load) => {
    if (!load) {
      throw fault({
        kind: 'missing-package',
        path: 'engine native',
        expected: 'a way to load @tensorflow/tfjs-node',
        received: 'none',
        advice: "Use it in Node, and give `load: loadPackage` from 'tfjs-multitask/node'.",
      });
    }
    await loadNativeBackend(load);
  },
  wasm: () => loadWasmBackend(),
  webgpu: () => setBackend('webgpu'),
  webgl: () => setBackend('webgl'),
  cpu: () => setBackend('cpu'),
};

async function named(name: EngineName, load?: PackageLoader): Promise<EngineChoice> {
  if (!(name in start)) {
    throw fault({
      kind: 'argument',
      path: 'engine',
      expected: `auto, ${Object.keys(start).join(', ')}`,
      received: JSON.stringify(name) ?? 'nothing',
      advice:
        didYouMean(String(name), ['auto', ...Object.keys(start)]) ??
        'Leave it out for the fastest installed.',
    });
  }
  await start[name](load);
  return { name, reason: 'asked for by name' };
}

async function fastest(load?: PackageLoader): Promise<EngineChoice> {
  const native = load ? await findNative(load) : {};
  if (native.name) {
    await start.native(load);
    return { name: 'native', reason: 'TensorFlow is installed' };
  }
  const loaded = (['webgpu', 'webgl'] as const).find((name) => tf.findBackendFactory(name) !== null);
  if (loaded && typeof document !== 'undefined') {
    await start[loaded]();
    return { name: loaded, reason: 'the page has a GPU' };
  }
  await start.wasm();
  if (!load) return { name: 'wasm', reason: 'the fastest engine installed' };
  const { broken } = native;
  return {
    name: 'wasm',
    reason: broken
      ? `the fastest engine that starts; ${broken.path} is installed, but: ${broken.received}`
      : 'the fastest engine installed',
    faster: { name: 'native', install: broken ? NATIVE_BUILD : NATIVE_INSTALL },
  };
}

async function setBackend(name: string): Promise<void> {
  const known = tf.findBackendFactory(name) !== null;
  if (known && (await tf.setBackend(name))) return;
  throw fault({
    kind: known ? 'engine' : 'missing-package',
    path: `engine ${name}`,
    expected: known
      ? 'a backend that starts on this machine'
      : `the package @tensorflow/tfjs-backend-${name}`,
    received: known ? 'one that does not' : 'none',
    advice: known
      ? 'Use engine: "wasm", which runs everywhere.'
      : `Install and import @tensorflow/tfjs-backend-${name}.`,
  });
}
