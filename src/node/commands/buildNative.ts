import { parseArgs } from 'node:util';
import { buildNative } from '../native/buildNative.js';
import type { Command } from './command.js';

/** `tfjs-multitask build-native`. */
export const buildNativeCommand: Command = {
  summary: 'builds the native engine against the TensorFlow that pip installed',
  usage: `usage: tfjs-multitask build-native [--python PATH] [--package DIR]

Compiles the binding of an installed @tensorflow/tfjs-node or @tensorflow/tfjs-node-gpu against the TensorFlow of a
Python, for machines where the package's own install script cannot download one, or not a fitting one:

  npm install --ignore-scripts @tensorflow/tfjs-node@4.22.0
  python3 -m venv .tensorflow && .tensorflow/bin/pip install tensorflow-cpu
  npx tfjs-multitask build-native --python .tensorflow/bin/python

  --python PATH   a Python with TensorFlow; default python3, then python
  --package DIR   the folder of the package; default the one in the node_modules of this folder
The C++ compiler is g++, or what the environment variable CXX names.`,
  run: async (args) => {
    const { values } = parseArgs({
      args: [...args],
      options: { python: { type: 'string' }, package: { type: 'string' } },
    });
    const start = performance.now();
    const { bindingInfo, package: built } = await buildNative({
      ...values,
      compiler: process.env.CXX || undefined,
      log: (line) => console.log(line),
    });
    const seconds = ((performance.now() - start) / 1000).toFixed(1);
    console.log(
      `tried       on Node ${process.versions.node}: TensorFlow ${bindingInfo.tensorflow} multiplies on the ${bindingInfo.gpu ? 'GPU' : 'CPU'}`,
    );
    console.log(`done in ${seconds} s: engine "native" now runs on ${built.name}.`);
  },
};
