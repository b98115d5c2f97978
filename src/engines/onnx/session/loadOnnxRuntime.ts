import { createError, isMultitaskError } from '../../../core/errors/errors.js';
import type { PackageLoader } from '../../../core/platform/platform.js';
import { limitPageThreads, type PageSettings } from './limitPageThreads.js';
import type { OnnxRuntime } from './onnxRuntime.js';

/** Packages that contain ONNX Runtime, in the order in which they are tried. */
const ONNX_PACKAGES = ['onnxruntime-node', 'onnxruntime-web'] as const;
/** The oldest version of ONNX Runtime that supports all operations in the compiled graphs. */
const MIN_VERSION = [1, 20] as const;

/**
 * The command that installs ONNX Runtime for Node. Without the environment variable, the package's install script downloads CUDA libraries,
 * which fails without a network.
 */
export const ONNX_INSTALL_COMMAND = 'ONNXRUNTIME_NODE_INSTALL=skip npm install onnxruntime-node';

/**
 * Loads ONNX Runtime from the first package that is installed: `onnxruntime-node`, then `onnxruntime-web`.
 *
 * @param installAdvice - Advice for the error that is thrown if no package is installed.
 * @throws `missing-package` error if no package is installed, `broken-package` error if the package fails to load, and `engine` error if
 *   its version is too old.
 */
export async function loadOnnxRuntime(load: PackageLoader, installAdvice: string): Promise<OnnxRuntime> {
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
  throw createError({
    kind: 'missing-package',
    path: 'engine onnx',
    expected: `the package ${ONNX_PACKAGES.join(' or ')}`,
    received: reasons.join('; '),
    advice: installAdvice,
  });
}

/**
 * Creates the error for a package that is installed but fails to load. Trying the next package instead would hide the broken installation.
 */
function createBrokenPackageError(name: string, error: unknown) {
  if (isMultitaskError(error) && error.kind === 'engine') return error;
  return createError({
    kind: 'broken-package',
    path: 'engine onnx',
    expected: `a working installation of ${name}`,
    received: isMultitaskError(error) ? error.received : String((error as Error)?.message ?? error),
    advice: `Run npm install ${name}@latest to reinstall the package, or use engine: "wasm".`,
    cause: error,
  });
}

function checkRuntime(name: string, runtime: OnnxRuntime | undefined): OnnxRuntime {
  const { env } = (runtime ?? {}) as {
    env?: { versions?: { common?: string }; wasm?: PageSettings };
  };
  const version = env?.versions?.common ?? '';
  const [major = 0, minor = 0] = version.split('.').map(Number);
  const isTooOld = major < MIN_VERSION[0] || (major === MIN_VERSION[0] && minor < MIN_VERSION[1]);
  if (typeof runtime?.InferenceSession?.create === 'function' && !isTooOld) {
    const isLimited = name === 'onnxruntime-web' && env?.wasm !== undefined && limitPageThreads(env.wasm);
    return {
      InferenceSession: runtime.InferenceSession,
      Tensor: runtime.Tensor,
      label: `${name} ${version}`,
      ...(isLimited ? { threadNote: 'on 1 thread, because ort.env.wasm.wasmPaths is not set' } : {}),
    };
  }
  throw createError({
    kind: 'engine',
    path: 'engine onnx',
    expected: `${name} ${MIN_VERSION.join('.')} or later`,
    received: version ? `${name} ${version}` : 'a different package with that name',
    advice: `Run: npm install ${name}@latest`,
  });
}
