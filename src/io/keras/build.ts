import type { SymbolicTensor } from '@tensorflow/tfjs';
import { fault, isMultitaskError } from '../../core/errors.js';
import { stockLayer } from '../../tensor/stock.js';
import { tf } from '../../tensor/tf.js';
import { callAll } from './calls.js';
import { checkArguments, checkedDtype } from './checks.js';
import { customLayer, type LayerMaker, makerOf } from './custom.js';
import type { Call } from './inbound.js';
import { translatorOf } from './layers/table.js';
import { type Apply, applying, type Made, type Making, refusal, type Shape } from './making.js';
import type { Names, Placed } from './placing.js';
import type { KerasLayer, KerasModel, Reference } from './structure.js';

export interface BuildOptions {
  readonly names: Names;
  readonly placed: ReadonlyMap<KerasLayer, Placed>;
  readonly keras3: boolean;
  readonly log: (text: string) => void;
  /** Makers of further classes. */
  readonly makers: { readonly [className: string]: LayerMaker };
  /** `[height, width, channels]` where a model leaves them open. */
  readonly input: readonly number[] | undefined;
  /** Numbers that the weights hold in all: layers that claim more are not made. */
  readonly numbers: number;
}

/** What one layer of the file became. */
export interface MadeLayer {
  readonly layers: readonly tf.layers.Layer[];
  /** Undefined: the weights of `layers`. */
  readonly special: Pick<Made, 'stored' | 'write'> | undefined;
}

/** A model of the file as connected layers of TensorFlow.js, without its weights' numbers. */
export interface Built {
  readonly inputs: readonly SymbolicTensor[];
  readonly outputs: readonly SymbolicTensor[];
  readonly made: ReadonlyMap<KerasLayer, MadeLayer>;
}

/** Calls in all. A model called twice by one that is called twice by another, and so on, has many for its size. */
const MOST_CALLS = 100_000;

/**
 * Connects the layers of a model, and of the models inside it, one after another. `made` may be read, and must be
 * disposed of, also when this throws.
 *
 * @throws `file` fault for a layer or setting that stock layers cannot say, naming the place.
 */
export function buildLayers(
  model: KerasModel,
  options: BuildOptions,
  made: Map<KerasLayer, MadeLayer>,
): Built {
  const building = new Building(options, made);
  const inputs = model.inputs.map((reference) => building.input(model, reference));
  const outputs = building.run(model, inputs, undefined);
  for (const { layers } of made.values())
    for (const stock of layers) delete (stock as unknown as Partial<Guarded>).addWeight;
  return { inputs, outputs, made };
}

/** What a stock layer makes its weights by. */
interface Guarded {
  addWeight(name: string, shape: readonly (number | null)[], ...rest: unknown[]): tf.LayerVariable;
}

class Building {
  private calls = 0;
  private readonly told = new Set<string>();
  private readonly applied = new Map<KerasLayer, { apply: Apply; training: boolean | undefined }>();
  private numbers: number;

  constructor(
    private readonly options: BuildOptions,
    private readonly made: Map<KerasLayer, MadeLayer>,
  ) {
    this.numbers = options.numbers;
  }

  /** An input of the outermost model. */
  input(model: KerasModel, { layer: name }: Reference): SymbolicTensor {
    const layer = inputLayer(model, name);
    const shape = layer.config.either('batch_shape', 'batch_input_shape');
    if (shape.missing && !this.options.input) {
      throw shape.wrong(
        'the shape of the input',
        undefined,
        'Give the size of the images as `input: [128, 128, 3]`.',
      );
    }
    const sizes = shape.missing
      ? this.options.input!.map(() => null)
      : shape
          .items()
          .slice(1)
          .map((size) => (size.missing ? null : size.count()));
    const filled = sizes.map((size, i) => size ?? this.options.input?.[i] ?? null);
    if (sizes.length === 3 && this.options.input?.some((size, i) => size !== filled[i])) {
      throw shape.wrong(
        `images of [${this.options.input.join(', ')}], as \`input\` says`,
        undefined,
        'Leave `input` out: the file says the size.',
      );
    }
    const made = tf.input({ shape: filled, name: this.options.placed.get(layer)!.name });
    this.made.set(layer, { layers: [], special: undefined });
    return made;
  }

  /** The outputs of a model for these inputs. */
  run(model: KerasModel, given: readonly SymbolicTensor[], training: boolean | undefined): SymbolicTensor[] {
    for (const { layer } of model.inputs) inputLayer(model, layer);
    return callAll(model, given, (layer, call, inputs) => this.call(layer, call, inputs, training));
  }

  private call(
    layer: KerasLayer,
    call: Call,
    inputs: readonly SymbolicTensor[],
    around: boolean | undefined,
  ): readonly SymbolicTensor[] {
    if (++this.calls > MOST_CALLS) {
      throw refusal({ layer }, `at most ${MOST_CALLS} calls of layers`, 'more', 'Save a smaller model.');
    }
    // Keras 3 writes the phase too, and goes by the run's all the same.
    const training = this.options.keras3 ? undefined : (call.training ?? around);
    if (!layer.model) return [this.apply(layer, call, inputs, training)];
    checkArguments(layer, call);
    if (inputs.length !== layer.model.inputs.length) {
      throw refusal(
        { layer },
        `${layer.model.inputs.length} inputs`,
        `${inputs.length}`,
        'Save the model anew with Keras.',
      );
    }
    return this.run(layer.model, inputs, training);
  }

  private apply(
    layer: KerasLayer,
    call: Call,
    inputs: readonly SymbolicTensor[],
    training: boolean | undefined,
  ): SymbolicTensor {
    if (inputs.length === 0) {
      throw refusal({ layer }, 'an input', 'none', 'Save the model anew with Keras.');
    }
    const shapes = inputs.map(({ shape }) => shape as Shape);
    try {
      const known = this.applied.get(layer) ?? this.translate(layer, shapes, training);
      checkArguments(layer, call);
      if (known.training !== training) {
        throw refusal({ layer }, 'all calls in one phase', 'calls with training=False and without', '');
      }
      const output = known.apply(this.distinct(layer, inputs), call);
      if (output.shape.some((size, i) => i > 0 && size !== null && !(size > 0))) {
        throw refusal(
          { layer },
          'an image large enough to leave something at this layer',
          `input ${show(shapes[0]!)}, which leaves ${show(output.shape)}`,
          'Give larger images.',
        );
      }
      return output;
    } catch (cause) {
      if (isMultitaskError(cause)) throw cause;
      const [line] = String((cause as Error)?.message).split('\n');
      throw fault({
        kind: 'file',
        path: `${layer.config.path.replace(/\.config$/, '')} (${layer.name})`,
        expected: `a layer that TensorFlow.js can make for ${shapes.map(show).join(', ')}`,
        received: `${layer.className}: ${line}`,
        advice: 'Register the class with `layers`, or build the model otherwise.',
        cause,
      });
    }
  }

  /** A tensor that one layer takes twice is freed by TensorFlow.js before other layers have had it: the second is a copy. */
  private distinct(layer: KerasLayer, inputs: readonly SymbolicTensor[]): readonly SymbolicTensor[] {
    return inputs.map((input, i) => {
      if (inputs.indexOf(input) === i) return input;
      const name = this.options.names.take(`${this.options.placed.get(layer)!.name}_again`);
      return tf.layers.activation({ activation: 'linear', name }).apply(input) as SymbolicTensor;
    });
  }

  private translate(
    layer: KerasLayer,
    shapes: readonly Shape[],
    training: boolean | undefined,
  ): { apply: Apply; training: boolean | undefined } {
    const { options } = this;
    const { name, trainable } = options.placed.get(layer)!;
    const layers: tf.layers.Layer[] = [];
    this.made.set(layer, { layers, special: undefined });
    const add = (stock: tf.layers.Layer) => {
      layers.push(stock);
      this.bound(stock, layer);
      return stock;
    };
    const maker = makerOf(options.makers, layer.className);
    if (maker) {
      const stock = add(customLayer(maker, layer, name));
      if (!trainable) stock.trainable = false;
      const known = { apply: applying(stock), training };
      this.applied.set(layer, known);
      return known;
    }
    const translator = translatorOf(layer);
    this.tell(checkedDtype(layer));
    let named = false;
    const nameOf = (part: string | undefined) => {
      if (part) return options.names.take(`${name}_${part}`);
      if (named) return options.names.take(name);
      named = true;
      return name;
    };
    const making: Making = {
      layer,
      config: layer.config,
      shapes,
      keras3: options.keras3,
      training,
      log: options.log,
      make: (className, args, part) =>
        add(
          new (stockLayer(className))({
            ...args,
            name: nameOf(part),
            ...(trainable ? {} : { trainable: false }),
          }),
        ),
    };
    const result = translator(making);
    const special = typeof result === 'function' ? undefined : result;
    if (special) this.made.set(layer, { layers, special });
    const known = { apply: typeof result === 'function' ? result : result.apply, training };
    this.applied.set(layer, known);
    return known;
  }

  /** Says once for the model that it does not compute in a mixed policy's type here. */
  private tell(dtype: string): void {
    if (dtype === 'float32' || this.told.has(dtype)) return;
    this.told.add(dtype);
    this.options.log(`the model computes in float32 here, not by ${dtype}`);
  }

  /** A layer's weights are made of zeros when it is connected, and none larger than the file could fill. */
  private bound(stock: tf.layers.Layer, layer: KerasLayer): void {
    stock.setFastWeightInitDuringBuild(true);
    const guarded = stock as unknown as Guarded;
    const add = guarded.addWeight.bind(stock);
    guarded.addWeight = (name, shape, ...rest) => {
      this.numbers -= shape.reduce<number>((product, size) => product * (size ?? 1), 1);
      if (!(this.numbers >= 0)) {
        throw refusal(
          { layer },
          `weights within the ${this.options.numbers} numbers of the file`,
          `${name} of [${shape.join(', ')}]`,
          'Give the weights that belong to this model.',
        );
      }
      return add(name, shape, ...rest);
    };
  }
}

const show = (shape: Shape) => `[${shape.slice(1).join(', ')}]`;

function inputLayer(model: KerasModel, name: string): KerasLayer {
  const layer = model.layers.find((candidate) => candidate.name === name);
  if (layer?.className === 'InputLayer') return layer;
  throw fault({
    kind: 'file',
    path: model.inputsPath,
    expected: 'names of input layers',
    received: JSON.stringify(name),
    advice: 'Save the model anew with Keras.',
  });
}
