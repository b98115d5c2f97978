import { fault } from '../../core/errors.js';
import { type Compiled, compile } from './compile.js';
import { findPackage, type NativePackage } from './findPackage.js';
import { findTensorFlow, type PipTensorFlow } from './findTensorFlow.js';
import { type Trial, tryOut } from './tryOut.js';

/** What {@link buildNative} may be told. */
export interface BuildOptions {
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
export interface Built extends Compiled {
  readonly package: NativePackage;
  readonly tensorflow: PipTensorFlow;
  readonly trial: Trial;
}

/**
 * Builds the binding of an installed `@tensorflow/tfjs-node` or `-gpu` against the TensorFlow that pip installed, and
 * tries it.
 *
 * @throws A fault that says what to do: what is missing, or why it does not compile or load.
 */
export async function buildNative(options: BuildOptions = {}): Promise<Built> {
  const { log = () => {}, compiler = 'g++' } = options;
  if (process.platform !== 'linux') {
    throw fault({
      kind: 'engine',
      path: 'build-native',
      expected: 'Linux, whose TensorFlow comes with the libraries to build against',
      received: process.platform,
      advice: 'Use npm install @tensorflow/tfjs-node, which downloads its binary, or engine: "wasm".',
    });
  }
  const found = findPackage(options.package);
  log(`package     ${found.name} ${found.version} in ${found.folder}`);
  const tensorflow = await findTensorFlow(options.python);
  log(`TensorFlow  ${tensorflow.folder} (${tensorflow.cuda ? 'CUDA' : 'CPU'}), of ${tensorflow.python}`);
  const compiled = await compile(found, tensorflow, compiler);
  log(`compiled    ${compiled.output}, by ${compiled.compiler}`);
  if (!compiled.lists) log('            without fused convolutions: its sources are not those of 4.22');
  const trial = await tryOut(found);
  return { ...compiled, package: found, tensorflow, trial };
}
