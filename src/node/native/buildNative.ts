import { createError } from '../../core/errors/errors.js';
import { type CompiledBinding, compileBinding } from './compileBinding.js';
import { findNativePackage, type NativePackage } from './findNativePackage.js';
import { findTensorFlow, type PipTensorFlow } from './findTensorFlow.js';
import { type BindingInfo, testBinding } from './testBinding.js';

/** What {@link buildNative} may be told. */
export interface BuildNativeOptions {
  /** A Python with TensorFlow; default `python3`, then `python`. */
  readonly python?: string | undefined;
  /** The folder of the package; default the one a program in the current folder would load. */
  readonly package?: string | undefined;
  /** The C++ compiler; default `g++`. */
  readonly compiler?: string | undefined;
  /** Told of each stage before it begins. */
  readonly log?: (line: string) => void;
}

/** What {@link buildNative} did. */
export interface NativeBuild extends CompiledBinding {
  readonly package: NativePackage;
  readonly tensorflow: PipTensorFlow;
  readonly bindingInfo: BindingInfo;
}

/**
 * Builds the binding of an installed `@tensorflow/tfjs-node` or `-gpu` against the TensorFlow that pip installed, and
 * tries it.
 *
 * @throws A fault that says what to do: what is missing, or why it does not compile or load.
 */
export async function buildNative(options: BuildNativeOptions = {}): Promise<NativeBuild> {
  const { log = () => {}, compiler = 'g++' } = options;
  if (process.platform !== 'linux') {
    throw createError({
      kind: 'engine',
      path: 'build-native',
      expected: 'Linux, where the pip package of TensorFlow contains the libraries to link against',
      received: `the platform ${process.platform}`,
      advice: 'Run npm install @tensorflow/tfjs-node, which downloads a binary, or use engine: "wasm".',
    });
  }
  const found = findNativePackage(options.package);
  log(`package     ${found.name} ${found.version} in ${found.folder}`);
  const tensorflow = await findTensorFlow(options.python);
  log(`TensorFlow  ${tensorflow.folder} (${tensorflow.cuda ? 'CUDA' : 'CPU'}), of ${tensorflow.python}`);
  const compiled = await compileBinding(found, tensorflow, compiler);
  log(`compiled    ${compiled.outputPath}, by ${compiled.compilerVersion}`);
  if (!compiled.supportsAttributeLists)
    log('            without fused convolutions: its sources are not those of 4.22');
  const bindingInfo = await testBinding(found);
  return { ...compiled, package: found, tensorflow, bindingInfo };
}
