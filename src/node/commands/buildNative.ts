import { Command } from 'commander';
import { type BuildNativeOptions, buildNative } from '../native/buildNative.js';

/** Creates the `tfjs-multitask build-native` command. */
export const createBuildNativeCommand = (): Command =>
  new Command('build-native')
    .summary('build the native engine against a TensorFlow installed by pip')
    .description(
      [
        'Compiles the binding of an installed @tensorflow/tfjs-node or @tensorflow/tfjs-node-gpu against the TensorFlow of a Python interpreter. Use it on machines where the install script of the package cannot download a suitable TensorFlow.',
        '',
        'The C++ compiler is g++, or the compiler in the environment variable CXX.',
      ].join('\n'),
    )
    .usage('[options]')
    .option('--python <PATH>', 'Python interpreter with TensorFlow (default: python3, then python)')
    .option('--package <DIR>', 'folder of the package (default: the package in node_modules)')
    .addHelpText(
      'after',
      `
Example:
  npm install --ignore-scripts @tensorflow/tfjs-node@4.22.0
  python3 -m venv .tensorflow
  .tensorflow/bin/pip install tensorflow-cpu
  npx tfjs-multitask build-native --python .tensorflow/bin/python`,
    )
    .action(runBuildNative);

async function runBuildNative(options: Pick<BuildNativeOptions, 'python' | 'package'>): Promise<void> {
  const start = performance.now();
  const { bindingInfo, package: nativePackage } = await buildNative({
    ...options,
    compiler: process.env.CXX || undefined,
    log: (line) => console.log(line),
  });
  const seconds = ((performance.now() - start) / 1000).toFixed(1);
  console.log(
    `tested      on Node ${process.versions.node}: TensorFlow ${bindingInfo.tensorflow} multiplies on the ${bindingInfo.gpu ? 'GPU' : 'CPU'}`,
  );
  console.log(`done in ${seconds} s: the engine "native" now uses ${nativePackage.name}.`);
}
