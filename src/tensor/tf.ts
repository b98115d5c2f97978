/**
 * TensorFlow.js. This is the only module that imports values from `@tensorflow/*`; all others import only types. Workarounds for bugs in
 * TensorFlow.js are in this folder.
 */
import * as tf from '@tensorflow/tfjs';

export { tf };
