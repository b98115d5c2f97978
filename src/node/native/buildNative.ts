import { createError } from '../../core/errors/errors.js';
import { escapeText } from '../../core/errors/escapeText.js';
import { type CompiledBinding, compileBinding } from './compileBinding.js';
import { findNativePackage, type NativePackage } from './findNativePackage.js';
import { findTensorFlow, type PipTensorFlow } from './findTensorFlow.js';
import { type BindingInfo, testBinding } from './testBinding.js';

/** Options for {@link buildNative}. */
export interface BuildNativeOptions {
  /** Python interpreter with TensorFlow. Default: `python3`, then `python`. */
  readonly python?: string | undefined;
  /** Folder of the native package. Default: the package that a program in the current folder would load. */
  readonly package?: string | undefined;
  /** C++ compiler. Default: `g++`. */
  readonly compiler?: string | undefined;
  /** Callback that receives a line of text for each step of the build. */
  readonly log?: (line: string) => void;
}

/** Result of {@link buildNative}. */
export interface NativeBuild extends CompiledBinding {
  readonly package: NativePackage;
  readonly tensorflow: PipTensorFlow;
  readonly bindingInfo: BindingInfo;
}

/**
 * Builds the binding of an installed `@tensorflow/tfjs-node` or `@tensorflow/tfjs-node-gpu` against a TensorFlow installation that was
 * created with pip, and tests the binding.
 *
 * @throws An `engine` error if the platform is not Linux or the compilation fails. A `missing-package` error if the package, a Python with
 *   TensorFlow, or the compiler is missing. A `broken-package` error if the binding does not load.
 */
export async function buildNative(options: BuildNativeOptions = {}): Promise<NativeBuild> {
  const { compiler = 'g++' } = options;
  const log = (line: string) => options.log?.(escapeText(line));
  if (process.platform !== 'linux') {
    throw createError({
      kind: 'engine',
      path: 'build-native',
      expected: 'the linux platform, on which the pip package of TensorFlow contains the required libraries',
      received: `the ${process.platform} platform`,
      advice: 'Run npm install @tensorflow/tfjs-node, which downloads a binary, or use engine: "wasm".',
    });
  }
  const nativePackage = findNativePackage(options.package);
  log(`package     ${nativePackage.name} ${nativePackage.version} in ${nativePackage.folder}`);
  const tensorflow = await findTensorFlow(options.python);
  log(`TensorFlow  ${tensorflow.folder} (${tensorflow.cuda ? 'CUDA' : 'CPU'}) of ${tensorflow.python}`);
  const compiled = await compileBinding(nativePackage, tensorflow, compiler);
  log(`compiled    ${compiled.outputPath} with ${compiled.compilerVersion}`);
  if (!compiled.supportsAttributeLists)
    log('            without fused convolutions, because the C++ sources differ from version 4.22');
  const bindingInfo = await testBinding(nativePackage);
  return { ...compiled, package: nativePackage, tensorflow, bindingInfo };
}
