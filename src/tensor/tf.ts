/**
 * The door to TensorFlow.js: values of `@tensorflow/*` enter the library here and nowhere else. Upstream moves
 * slowly; this is where we mend it, and where we could leave it.
 */
import * as tf from '@tensorflow/tfjs';

export { tf };
