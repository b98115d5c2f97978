import type { SymbolicTensor } from '@tensorflow/tfjs';
import { createError, isMultitaskError } from '../../../core/errors/errors.js';
import { getStockLayerClass } from '../../../tensor/stockLayers.js';
import { tf } from '../../../tensor/tf.js';
import { applyCallsInOrder } from './callOrder.js';
import { checkArguments, readDtype } from './checkArguments.js';
import { createCustomLayer, findLayerFactory, type LayerFactory } from './customLayers.js';
import type { FlatLayer, NameAllocator } from './flattenNames.js';
import {
  type ApplyLayer,
  createApply,
  createLayerError,
  type ImportContext,
  type LayerWithWeights,
  type Shape,
} from './importContext.js';
import type { LayerCall, TensorReference } from './inboundNodes.js';
import { findLayerImporter } from './layers/layerImporters.js';
import type { KerasLayer, KerasModel } from './modelStructure.js';

export interface BuildOptions {
  readonly nameAllocator: NameAllocator;
  readonly flatLayers: ReadonlyMap<KerasLayer, FlatLayer>;
  readonly isKeras3: boolean;
  readonly log: (text: string) => void;
  /** Makers of further classes. */
  readonly layerFactories: { readonly [className: string]: LayerFactory };
  /** `[height, width, channels]` where a model leaves them open. */
  readonly inputShape: readonly number[] | undefined;
  /** Numbers that the weights hold in all: layers that claim more are not made. */
  readonly maxWeightValues: number;
}

/** What one layer of the file became. */
export interface ImportedLayer {
  readonly layers: readonly tf.layers.Layer[];
  /** Undefined: the weights of `layers`. */
  readonly customWeights: Pick<LayerWithWeights, 'weightSlots' | 'setWeights'> | undefined;
}

/** A model of the file as connected layers of TensorFlow.js, without its weights' numbers. */
export interface BuiltModel {
  readonly inputs: readonly SymbolicTensor[];
  readonly outputs: readonly SymbolicTensor[];
  readonly importedLayers: ReadonlyMap<KerasLayer, ImportedLayer>;
}

/** Calls in all. A model called twice by one that is called twice by another, and so on, has many for its size. */
const MAX_CALLS = 100_000;

/**
 * Connects the layers of a model, and of the models inside it, one after another. `made` may be read, and must be
 * disposed of, also when this throws.
 *
 * @throws `file` fault for a layer or setting that stock layers cannot say, naming the place.
 */
export function buildLayers(
  model: KerasModel,
  options: BuildOptions,
  importedLayers: Map<KerasLayer, ImportedLayer>,
): BuiltModel {
  const building = new LayerBuilder(options, importedLayers);
  const inputs = model.inputs.map((reference) => building.createInput(model, reference));
  const outputs = building.applyModel(model, inputs, undefined);
  for (const { layers } of importedLayers.values())
    for (const stock of layers) delete (stock as unknown as Partial<AddsWeights>).addWeight;
  return { inputs, outputs, importedLayers };
}

/** What a stock layer makes its weights by. */
interface AddsWeights {
  addWeight(name: string, shape: readonly (number | null)[], ...rest: unknown[]): tf.LayerVariable;
}

class LayerBuilder {
  private callCount = 0;
  private readonly loggedDtypes = new Set<string>();
  private readonly applyByLayer = new Map<KerasLayer, { apply: ApplyLayer; training: boolean | undefined }>();
  private remainingWeightValues: number;

  constructor(
    private readonly options: BuildOptions,
    private readonly importedLayers: Map<KerasLayer, ImportedLayer>,
  ) {
    this.remainingWeightValues = options.maxWeightValues;
  }

  /** An input of the outermost model. */
  createInput(model: KerasModel, { layer: name }: TensorReference): SymbolicTensor {
    const layer = findInputLayer(model, name);
    const shape = layer.config.atAny('batch_shape', 'batch_input_shape');
    if (shape.isMissing && !this.options.inputShape) {
      throw shape.createError(
        'the shape of the input',
        undefined,
        'Give the size of the images as `input: [128, 128, 3]`.',
      );
    }
    const sizes = shape.isMissing
      ? this.options.inputShape!.map(() => null)
      : shape
          .items()
          .slice(1)
          .map((size) => (size.isMissing ? null : size.asInteger()));
    const filled = sizes.map((size, i) => size ?? this.options.inputShape?.[i] ?? null);
    if (sizes.length === 3 && this.options.inputShape?.some((size, i) => size !== filled[i])) {
      throw shape.createError(
        `images of [${this.options.inputShape.join(', ')}], as \`input\` says`,
        undefined,
        'Leave `input` out: the file says the size.',
      );
    }
    const made = tf.input({ shape: filled, name: this.options.flatLayers.get(layer)!.name });
    this.importedLayers.set(layer, { layers: [], customWeights: undefined });
    return made;
  }

  /** The outputs of a model for these inputs. */
  applyModel(
    model: KerasModel,
    given: readonly SymbolicTensor[],
    training: boolean | undefined,
  ): SymbolicTensor[] {
    for (const { layer } of model.inputs) findInputLayer(model, layer);
    return applyCallsInOrder(model, given, (layer, call, inputs) =>
      this.applyCall(layer, call, inputs, training),
    );
  }

  private applyCall(
    layer: KerasLayer,
    call: LayerCall,
    inputs: readonly SymbolicTensor[],
    around: boolean | undefined,
  ): readonly SymbolicTensor[] {
    if (++this.callCount > MAX_CALLS) {
      throw createLayerError(
        { layer },
        `at most ${MAX_CALLS} calls of layers`,
        'more',
        'Save a smaller model.',
      );
    }
    // Keras 3 writes the phase too, and goes by the run's all the same.
    const training = this.options.isKeras3 ? undefined : (call.training ?? around);
    if (!layer.model) return [this.applyStockLayers(layer, call, inputs, training)];
    checkArguments(layer, call);
    if (inputs.length !== layer.model.inputs.length) {
      throw createLayerError(
        { layer },
        `${layer.model.inputs.length} inputs`,
        `${inputs.length}`,
        'Save the model anew with Keras.',
      );
    }
    return this.applyModel(layer.model, inputs, training);
  }

  private applyStockLayers(
    layer: KerasLayer,
    call: LayerCall,
    inputs: readonly SymbolicTensor[],
    training: boolean | undefined,
  ): SymbolicTensor {
    if (inputs.length === 0) {
      throw createLayerError({ layer }, 'an input', 'none', 'Save the model anew with Keras.');
    }
    const shapes = inputs.map(({ shape }) => shape as Shape);
    try {
      const known = this.applyByLayer.get(layer) ?? this.importLayer(layer, shapes, training);
      checkArguments(layer, call);
      if (known.training !== training) {
        throw createLayerError(
          { layer },
          'all calls in one phase',
          'calls with training=False and without',
          '',
        );
      }
      const output = known.apply(this.copyRepeatedInputs(layer, inputs), call);
      if (output.shape.some((size, i) => i > 0 && size !== null && !(size > 0))) {
        throw createLayerError(
          { layer },
          'an image large enough to leave something at this layer',
          `input ${formatShape(shapes[0]!)}, which leaves ${formatShape(output.shape)}`,
          'Give larger images.',
        );
      }
      return output;
    } catch (cause) {
      if (isMultitaskError(cause)) throw cause;
      const [line] = String((cause as Error)?.message).split('\n');
      throw createError({
        kind: 'file',
        path: `${layer.config.path.replace(/\.config$/, '')} (${layer.name})`,
        expected: `a layer that TensorFlow.js can make for ${shapes.map(formatShape).join(', ')}`,
        received: `${layer.className}: ${line}`,
        advice: 'Register the class with `layers`, or build the model otherwise.',
        cause,
      });
    }
  }

  /** A tensor that one layer takes twice is freed by TensorFlow.js before other layers have had it: the second is a copy. */
  private copyRepeatedInputs(
    layer: KerasLayer,
    inputs: readonly SymbolicTensor[],
  ): readonly SymbolicTensor[] {
    return inputs.map((input, i) => {
      if (inputs.indexOf(input) === i) return input;
      const name = this.options.nameAllocator.allocate(`${this.options.flatLayers.get(layer)!.name}_again`);
      return tf.layers.activation({ activation: 'linear', name }).apply(input) as SymbolicTensor;
    });
  }

  private importLayer(
    layer: KerasLayer,
    inputShapes: readonly Shape[],
    training: boolean | undefined,
  ): { apply: ApplyLayer; training: boolean | undefined } {
    const { options } = this;
    const { name, isTrainable } = options.flatLayers.get(layer)!;
    const layers: tf.layers.Layer[] = [];
    this.importedLayers.set(layer, { layers, customWeights: undefined });
    const add = (stock: tf.layers.Layer) => {
      layers.push(stock);
      this.limitWeights(stock, layer);
      return stock;
    };
    const maker = findLayerFactory(options.layerFactories, layer.className);
    if (maker) {
      const stock = add(createCustomLayer(maker, layer, name));
      if (!isTrainable) stock.trainable = false;
      const known = { apply: createApply(stock), training };
      this.applyByLayer.set(layer, known);
      return known;
    }
    const translator = findLayerImporter(layer);
    this.logDtype(readDtype(layer));
    let named = false;
    const nameOf = (part: string | undefined) => {
      if (part) return options.nameAllocator.allocate(`${name}_${part}`);
      if (named) return options.nameAllocator.allocate(name);
      named = true;
      return name;
    };
    const making: ImportContext = {
      layer,
      config: layer.config,
      inputShapes,
      isKeras3: options.isKeras3,
      training,
      log: options.log,
      createLayer: (className, args, part) =>
        add(
          new (getStockLayerClass(className))({
            ...args,
            name: nameOf(part),
            ...(isTrainable ? {} : { trainable: false }),
          }),
        ),
    };
    const result = translator(making);
    const customWeights = typeof result === 'function' ? undefined : result;
    if (customWeights) this.importedLayers.set(layer, { layers, customWeights });
    const known = { apply: typeof result === 'function' ? result : result.apply, training };
    this.applyByLayer.set(layer, known);
    return known;
  }

  /** Says once for the model that it does not compute in a mixed policy's type here. */
  private logDtype(dtype: string): void {
    if (dtype === 'float32' || this.loggedDtypes.has(dtype)) return;
    this.loggedDtypes.add(dtype);
    this.options.log(`the model computes in float32 here, not by ${dtype}`);
  }

  /** A layer's weights are made of zeros when it is connected, and none larger than the file could fill. */
  private limitWeights(stock: tf.layers.Layer, layer: KerasLayer): void {
    stock.setFastWeightInitDuringBuild(true);
    const guarded = stock as unknown as AddsWeights;
    const add = guarded.addWeight.bind(stock);
    guarded.addWeight = (name, shape, ...rest) => {
      this.remainingWeightValues -= shape.reduce<number>((product, size) => product * (size ?? 1), 1);
      if (!(this.remainingWeightValues >= 0)) {
        throw createLayerError(
          { layer },
          `weights within the ${this.options.maxWeightValues} numbers of the file`,
          `${name} of [${shape.join(', ')}]`,
          'Give the weights that belong to this model.',
        );
      }
      return add(name, shape, ...rest);
    };
  }
}

const formatShape = (shape: Shape) => `[${shape.slice(1).join(', ')}]`;

function findInputLayer(model: KerasModel, name: string): KerasLayer {
  const layer = model.layers.find((candidate) => candidate.name === name);
  if (layer?.className === 'InputLayer') return layer;
  throw createError({
    kind: 'file',
    path: model.inputsPath,
    expected: 'names of input layers',
    received: JSON.stringify(name),
    advice: 'Save the model anew with Keras.',
  });
}
