import type { HostArray } from '../../../core/arrays.js';
import { createError, isMultitaskError } from '../../../core/errors/errors.js';
import type { PackageLoader } from '../../../core/platform/platform.js';

/** ONNX Runtime as far as the library uses it; `onnxruntime-node` and `onnxruntime-web` both are it. */
export interface OnnxRuntime {
  readonly InferenceSession: {
    create(bytes: Uint8Array, options: SessionOptions): Promise<OnnxSession>;
  };
  readonly Tensor: new (type: 'float32', data: Float32Array, shape: readonly number[]) => OnnxTensor;
  /** The package that it came from, and its version. */
  readonly label: string;
}

/** Numbers as ONNX Runtime holds them. */
export interface OnnxTensor {
  readonly dims: readonly number[];
  readonly data: Float32Array;
}

/** A graph ready to run. */
export interface OnnxSession {
  readonly inputNames: readonly string[];
  readonly outputNames: readonly string[];
  run(
    feeds: { readonly [name: string]: OnnxTensor },
    fetches?: readonly string[],
  ): Promise<{ readonly [name: string]: OnnxTensor }>;
  release(): Promise<void>;
}

/** How a session is made. */
export interface SessionOptions {
  readonly intraOpNumThreads?: number;
  readonly freeDimensionOverrides?: { readonly [name: string]: number };
  readonly extra?: { readonly session: { readonly [option: string]: string } };
  readonly graphOptimizationLevel?: 'disabled' | 'basic' | 'extended' | 'all';
  readonly executionMode?: 'sequential' | 'parallel';
  readonly enableMemPattern?: boolean;
  readonly executionProviders?: readonly string[];
  readonly logSeverityLevel?: 0 | 1 | 2 | 3 | 4;
}

/** The packages that bring it, best first, and the oldest version whose operations the graphs use. */
const ONNX_PACKAGES = ['onnxruntime-node', 'onnxruntime-web'] as const;
const MIN_VERSION = [1, 20] as const;

/** What installs it where there is Node. Its install script would download CUDA libraries, and fails where it cannot. */
export const ONNX_INSTALL_COMMAND = 'ONNXRUNTIME_NODE_INSTALL=skip npm install onnxruntime-node';

/**
 * Loads ONNX Runtime: `onnxruntime-node`, or `onnxruntime-web` where the loader knows that.
 *
 * @throws `missing-package` fault when neither is there; `broken-package` fault for one that does not load, `engine` fault
 *   for one that is too old.
 */
export async function loadOnnxRuntime(load: PackageLoader | undefined): Promise<OnnxRuntime> {
  if (!load) {
    throw createMissingPackageError(
      'a way to load onnxruntime-node or onnxruntime-web',
      'none',
      "In Node give `load: loadPackage` from 'tfjs-multitask/node'; in a page `load: packages({ 'onnxruntime-web': () => import('onnxruntime-web') })`.",
    );
  }
  const reasons: string[] = [];
  for (const name of ONNX_PACKAGES) {
    try {
      const loaded = await load<Partial<OnnxRuntime> & { default?: OnnxRuntime }>(name, 'the onnx engine');
      return checkRuntime(
        name,
        (loaded.InferenceSession ? loaded : loaded.default) as OnnxRuntime | undefined,
      );
    } catch (error) {
      if (!isMultitaskError(error) || error.kind !== 'missing-package')
        throw createBrokenPackageError(name, error);
      reasons.push(`${name}: ${error.received}`);
    }
  }
  throw createMissingPackageError(
    ONNX_PACKAGES.join(' or '),
    reasons.join('; '),
    `Run: ${ONNX_INSTALL_COMMAND}`,
  );
}

/** One that is installed and does not load: another must not take its place in silence. */
function createBrokenPackageError(name: string, error: unknown) {
  if (isMultitaskError(error) && error.kind === 'engine') return error;
  return createError({
    kind: 'broken-package',
    path: 'engine onnx',
    expected: `${name} to load`,
    received: isMultitaskError(error) ? error.received : String((error as Error)?.message ?? error),
    advice: `Install it again: npm install ${name}@latest, or use engine: "wasm".`,
    cause: error,
  });
}

function createMissingPackageError(expected: string, received: string, advice: string) {
  return createError({ kind: 'missing-package', path: 'engine onnx', expected, received, advice });
}

function checkRuntime(name: string, runtime: OnnxRuntime | undefined): OnnxRuntime {
  const { env } = (runtime ?? {}) as { env?: { versions?: { common?: string } } };
  const version = env?.versions?.common ?? '';
  const [major = 0, minor = 0] = version.split('.').map(Number);
  const old = major < MIN_VERSION[0] || (major === MIN_VERSION[0] && minor < MIN_VERSION[1]);
  if (typeof runtime?.InferenceSession?.create === 'function' && !old) {
    return {
      InferenceSession: runtime.InferenceSession,
      Tensor: runtime.Tensor,
      label: `${name} ${version}`,
    };
  }
  throw createError({
    kind: 'engine',
    path: 'engine onnx',
    expected: `${name} of version ${MIN_VERSION.join('.')} or later`,
    received: version ? `version ${version}` : 'another package of that name',
    advice: `Run: npm install ${name}@latest`,
  });
}

/**
 * Makes a session; what the runtime says against it becomes an `engine` fault.
 *
 * @param what - For messages: `the training step`.
 */
export async function createSession(
  runtime: OnnxRuntime,
  bytes: Uint8Array,
  what: string,
  options: SessionOptions,
): Promise<OnnxSession> {
  try {
    return await runtime.InferenceSession.create(bytes, { logSeverityLevel: 3, ...options });
  } catch (cause) {
    throw createRuntimeError(runtime, what, cause);
  }
}

/** Runs a session; the same for what it says while it runs. */
export async function runSession(
  runtime: OnnxRuntime,
  session: OnnxSession,
  what: string,
  feeds: { readonly [name: string]: OnnxTensor },
  fetches?: readonly string[],
): Promise<{ readonly [name: string]: OnnxTensor }> {
  try {
    return await session.run(feeds, fetches);
  } catch (cause) {
    throw createRuntimeError(runtime, what, cause);
  }
}

function createRuntimeError({ label }: OnnxRuntime, what: string, cause: unknown) {
  const message = String((cause as Error)?.message ?? cause).split('\n')[0]!;
  const memory = /alloc|memory/i.test(message);
  return createError({
    kind: memory ? 'memory' : 'engine',
    path: `engine onnx: ${what}`,
    expected: `${label} to run it`,
    received: message,
    advice: memory
      ? 'Give a smaller batch or smaller images.'
      : 'Use engine: "wasm"; a run with a checkpoint goes on there with resume: true.',
    cause,
  });
}

/** An array as the runtime takes it, not copied. */
export const toOnnxTensor = (runtime: OnnxRuntime, { data, shape }: HostArray): OnnxTensor =>
  new runtime.Tensor('float32', data, shape);
