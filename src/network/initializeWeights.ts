import { countElements } from '../core/arrays.js';
import { createRng, type Rng } from '../core/rng.js';
import { tf } from '../tensor/tf.js';

interface VarianceScaling {
  readonly className: string;
  readonly config: { readonly scale?: number; readonly mode?: string; readonly distribution?: string };
}

/**
 * Draws new initial weights wherever a layer uses a variance-scaling initializer (Glorot, He, LeCun). The random numbers depend only on the
 * seed and on the names of the layer and the weight. Equal seeds therefore result in equal networks on every engine, and adding a layer
 * does not change the weights of the other layers. Weights with other initializers are not changed. The distributions match Keras 3
 * (initializers/random_initializers.py).
 *
 * @param initialized - A map whose keys are layers with weights that must not change, for example pretrained layers.
 */
export function initializeWeights(
  model: tf.LayersModel,
  seed: number,
  initialized: ReadonlyMap<tf.layers.Layer, unknown> = new Map(),
): void {
  for (const layer of model.layers) {
    if (initialized.has(layer)) continue;
    const config = layer.getConfig();
    for (const weight of layer.weights) {
      const name = weight.originalName.split('/').at(-1)!;
      const initializer = config[`${getInitializerKey(name)}Initializer`] as VarianceScaling | undefined;
      if (initializer?.className !== 'VarianceScaling') continue;
      const values = drawVarianceScaling(
        createRng(seed, 'weights', layer.name, name),
        weight.shape as number[],
        initializer,
      );
      const drawn = tf.tensor(values, weight.shape as number[]);
      weight.write(drawn);
      drawn.dispose();
    }
  }
}

/**
 * Returns the prefix of the layer option that contains the initializer of a weight: `depthwise` (for `depthwiseInitializer`) if the weight
 * is `depthwise_kernel`, `kernel` if it is `kernel`, and so on.
 */
function getInitializerKey(weight: string): string {
  return weight
    .replace(/^(depthwise|pointwise)_kernel$/, '$1')
    .replace(/_(\w)/g, (_, letter) => letter.toUpperCase());
}

/**
 * Draws the initial values of one weight, in row-major order, with the variance scaling of Keras (K. He et al. 2015; X. Glorot and Y.
 * Bengio 2010).
 */
export function drawVarianceScaling(
  random: Rng,
  shape: readonly number[],
  { config: { scale = 1, mode = 'fanIn', distribution = 'normal' } }: VarianceScaling,
): Float32Array {
  const window = countElements(shape.slice(0, -2));
  const fanIn = window * (shape.at(-2) ?? 1);
  const fanOut = window * (shape.at(-1) ?? 1);
  const fan = mode === 'fanIn' ? fanIn : mode === 'fanOut' ? fanOut : (fanIn + fanOut) / 2;
  const variance = scale / Math.max(1, fan);
  const limit = Math.sqrt(3 * variance);
  // Truncating a normal distribution at two standard deviations multiplies its standard deviation by 0.8796. The division compensates for
  // this.
  const deviation = Math.sqrt(variance) / 0.87962566103423978;
  const draw =
    distribution === 'uniform'
      ? () => random.uniform(-limit, limit)
      : () => deviation * drawTruncatedNormal(random);
  const values = new Float32Array(countElements(shape));
  for (let i = 0; i < values.length; i++) values[i] = draw();
  return values;
}

function drawTruncatedNormal(random: Rng): number {
  for (;;) {
    const value = random.normal();
    if (Math.abs(value) <= 2) return value;
  }
}
