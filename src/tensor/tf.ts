/**
 * Re-exports TensorFlow.js. This is the only module that imports values from `@tensorflow/*`; all other modules import only types. The
 * files in this folder contain the workarounds for bugs in TensorFlow.js.
 */
import * as tf from '@tensorflow/tfjs';

export { tf };
