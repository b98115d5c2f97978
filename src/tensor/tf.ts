/**
 * TensorFlow.js. This is the only module that imports values of `@tensorflow/*`; all others import types. Workarounds for bugs in
 * TensorFlow.js are in this folder.
 */
import * as tf from '@tensorflow/tfjs';

export { tf };
