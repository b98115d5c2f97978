/** TensorFlow.js as one namespace. Workarounds for bugs in TensorFlow.js are in this folder. */
import * as tf from './tfModules.js';

export { tf };
