import type { LayerVariable, SymbolicTensor } from '@tensorflow/tfjs';
import { addToGroup } from '../../../core/arrays.js';
import { createError, isMultitaskError } from '../../../core/errors/errors.js';
import { getStockLayerClass } from '../../../tensor/stockLayers.js';
import { tf } from '../../../tensor/tf.js';
import { applyCallsInOrder } from './callOrder.js';
import { checkArguments, readDtype } from './checkArguments.js';
import { createCustomLayer, findLayerFactory, type LayerFactory } from './customLayers.js';
import type { FlatLayer, NameAllocator } from './flattenNames.js';
import { findLayerImporter } from './layers/layerImporters.js';
import {
  type ApplyLayer,
  createApply,
  createLayerError,
  type ImportContext,
  type LayerWithWeights,
  type Shape,
} from './structure/importContext.js';
import type { LayerCall, TensorReference } from './structure/inboundNodes.js';
import type { KerasLayer, KerasModel } from './structure/modelStructure.js';

/** Options for {@link buildLayers}. */
export interface BuildOptions {
  readonly nameAllocator: NameAllocator;
  readonly flatLayers: ReadonlyMap<KerasLayer, FlatLayer>;
  readonly isKeras3: boolean;
  readonly log: (text: string) => void;
  /** Factories of custom layers, keyed by class name. */
  readonly layerFactories: { readonly [className: string]: LayerFactory };
  /** Image shape `[height, width, channels]` of a model whose file does not contain a fixed input shape. */
  readonly inputShape: readonly number[] | undefined;
  /**
   * Maximum total number of weight values in all layers. The limit depends on the number of values in the file, and prevents a malicious
   * configuration from allocating unlimited memory.
   */
  readonly maxWeightValues: number;
}

/** TensorFlow.js layers that replace one layer of a Keras file. */
export interface ImportedLayer {
  readonly layers: readonly tf.layers.Layer[];
  /**
   * Custom mapping of weights. Undefined if the weights in the file map one to one to the weights of `layers`.
   */
  readonly customWeights: Pick<LayerWithWeights, 'weightSlots' | 'setWeights'> | undefined;
}

/** The model in the file as connected TensorFlow.js layers, whose weights have not been set yet. */
export interface BuiltModel {
  readonly inputs: readonly SymbolicTensor[];
  readonly outputs: readonly SymbolicTensor[];
  readonly importedLayers: ReadonlyMap<KerasLayer, ImportedLayer>;
}

/**
 * Maximum number of layer calls in one model. If each nested model calls the next one twice, the number of calls grows exponentially, so a
 * small file could exhaust memory.
 */
const MAX_CALLS = 100_000;

/**
 * Creates the TensorFlow.js layers of a Keras model, including the layers of nested models, and connects them.
 *
 * @param importedLayers - Map to which the layers are added. If this function throws, the map contains the layers created so far, which the
 *   caller must dispose.
 * @throws A `file` error if TensorFlow.js layers cannot express a layer or setting. The error path names the layer or setting.
 */
export function buildLayers(
  model: KerasModel,
  options: BuildOptions,
  importedLayers: Map<KerasLayer, ImportedLayer>,
): BuiltModel {
  const builder = new LayerBuilder(options, importedLayers);
  const inputs = model.inputs.map((reference) => builder.createInput(model, reference));
  const outputs = builder.applyModel(model, inputs, undefined);
  for (const { layers } of importedLayers.values())
    for (const stock of layers) delete (stock as unknown as Partial<AddsWeights>).addWeight;
  return { inputs, outputs, importedLayers };
}

/** A layer, reduced to the `addWeight` method with which it creates its weights. */
interface AddsWeights {
  addWeight(name: string, shape: readonly (number | null)[], ...rest: unknown[]): LayerVariable;
}

/** An imported layer of the file, with the function that applies it to TensorFlow.js tensors. */
interface ImportedCall {
  readonly apply: ApplyLayer;
  readonly training: boolean | undefined;
  /** Input shapes for which the layer was imported, as text. Undefined if the imported layer is the same for all shapes. */
  readonly inputShapes: string | undefined;
}

class LayerBuilder {
  private callCount = 0;
  private readonly loggedDtypes = new Set<string>();
  private readonly importsByLayer = new Map<KerasLayer, ImportedCall[]>();
  private remainingWeightValues: number;

  constructor(
    private readonly options: BuildOptions,
    private readonly importedLayers: Map<KerasLayer, ImportedLayer>,
  ) {
    this.remainingWeightValues = options.maxWeightValues;
  }

  /** Creates an input tensor of the outermost model. */
  createInput(model: KerasModel, { layer: name }: TensorReference): SymbolicTensor {
    const layer = findInputLayer(model, name);
    const shape = layer.config.atAny('batch_shape', 'batch_input_shape');
    if (shape.isMissing && !this.options.inputShape) {
      throw shape.createError(
        'an input shape',
        undefined,
        'Pass the size of the images, for example `input: [128, 128, 3]`.',
      );
    }
    const sizes = shape.isMissing
      ? this.options.inputShape!.map(() => null)
      : shape
          .items()
          .slice(1)
          .map((size) => (size.isMissing ? null : size.asInteger()));
    const fullShape = sizes.map((size, i) => size ?? this.options.inputShape?.[i] ?? null);
    if (sizes.length === 3 && this.options.inputShape?.some((size, i) => size !== fullShape[i])) {
      throw shape.createError(
        `the image shape [${this.options.inputShape.join(', ')}], which was passed as \`input\``,
        undefined,
        'Omit `input`, because the file contains the size.',
      );
    }
    const inputTensor = tf.input({ shape: fullShape, name: this.options.flatLayers.get(layer)!.name });
    this.importedLayers.set(layer, { layers: [], customWeights: undefined });
    return inputTensor;
  }

  /** Applies the layers of a model to input tensors, and returns the output tensors. */
  applyModel(
    model: KerasModel,
    modelInputs: readonly SymbolicTensor[],
    training: boolean | undefined,
  ): SymbolicTensor[] {
    for (const { layer } of model.inputs) findInputLayer(model, layer);
    return applyCallsInOrder(model, modelInputs, (layer, call, inputs) =>
      this.applyCall(layer, call, inputs, training),
    );
  }

  private applyCall(
    layer: KerasLayer,
    call: LayerCall,
    inputs: readonly SymbolicTensor[],
    outerTraining: boolean | undefined,
  ): readonly SymbolicTensor[] {
    if (++this.callCount > MAX_CALLS) {
      throw createLayerError(
        { layer },
        `a model with at most ${MAX_CALLS} layer calls`,
        'a model with more layer calls',
        'Call nested models fewer times, and save the model again.',
      );
    }
    // Keras 3 also writes `training` to the file, but ignores it and uses the mode of the current run.
    const training = this.options.isKeras3 ? undefined : (call.training ?? outerTraining);
    if (!layer.model) return [this.applyStockLayers(layer, call, inputs, training)];
    checkArguments(layer, call);
    if (inputs.length !== layer.model.inputs.length) {
      throw createLayerError(
        { layer },
        `one tensor for each input of the nested model (${layer.model.inputs.length} in total)`,
        `${inputs.length} ${inputs.length === 1 ? 'tensor' : 'tensors'}`,
        'Save the model again with Keras.',
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
      throw createLayerError(
        { layer },
        'at least one input',
        'no inputs',
        'Save the model again with Keras.',
      );
    }
    const shapes = inputs.map(({ shape }) => shape as Shape);
    try {
      const imported = this.findImport(layer, shapes) ?? this.importLayer(layer, shapes, training);
      checkArguments(layer, call);
      if (imported.training !== training) {
        throw createLayerError(
          { layer },
          'calls with the same training argument',
          'calls with different training arguments',
          'Call the layer with the same training argument everywhere, and save the model again.',
        );
      }
      const output = imported.apply(this.copyRepeatedInputs(layer, inputs), call);
      if (output.shape.some((size, i) => i > 0 && size !== null && !(size > 0))) {
        throw createLayerError(
          { layer },
          'an input that is large enough for this layer',
          `an input of shape ${formatShape(shapes[0]!)}, which results in an empty output of shape ${formatShape(output.shape)}`,
          'Use larger images.',
        );
      }
      return output;
    } catch (cause) {
      if (isMultitaskError(cause)) throw cause;
      const [line] = String((cause as Error)?.message).split('\n');
      throw createError({
        kind: 'file',
        path: `${layer.config.path.replace(/\.config$/, '')} (${layer.name})`,
        expected: `a layer that TensorFlow.js can create for inputs of shape ${formatShapes(shapes)}`,
        received: `${layer.className} (${line})`,
        advice: 'Register the class with the `layers` option, or build the model without this layer.',
        cause,
      });
    }
  }

  /**
   * Replaces repeated inputs of a layer call with copies. If a layer receives the same tensor twice, TensorFlow.js frees the tensor
   * before other layers have read it.
   */
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

  /**
   * Returns the imported layer for inputs of these shapes, or undefined if the layer has not been imported yet. A layer with weights is
   * imported only once, because all its calls share the weights.
   */
  private findImport(layer: KerasLayer, shapes: readonly Shape[]): ImportedCall | undefined {
    const imports = this.importsByLayer.get(layer) ?? [];
    const hasWeights = this.importedLayers.get(layer)?.layers.some(({ weights }) => weights.length > 0);
    return hasWeights
      ? imports[0]
      : imports.find(({ inputShapes }) => inputShapes === undefined || inputShapes === formatShapes(shapes));
  }

  private importLayer(
    layer: KerasLayer,
    inputShapes: readonly Shape[],
    training: boolean | undefined,
  ): ImportedCall {
    const { options } = this;
    const { name, isTrainable } = options.flatLayers.get(layer)!;
    const previousLayers = this.importedLayers.get(layer)?.layers ?? [];
    const layers = [...previousLayers];
    this.importedLayers.set(layer, { layers, customWeights: undefined });
    const add = (stock: tf.layers.Layer) => {
      layers.push(stock);
      this.limitWeights(stock, layer);
      return stock;
    };
    const factory = findLayerFactory(options.layerFactories, layer.className);
    if (factory) {
      const stock = add(createCustomLayer(factory, layer, name));
      if (!isTrainable) stock.trainable = false;
      return this.storeImport(layer, { apply: createApply(stock), training, inputShapes: undefined });
    }
    const importer = findLayerImporter(layer);
    this.logDtype(readDtype(layer));
    let isNameUsed = previousLayers.length > 0;
    const allocateName = (part: string | undefined) => {
      if (part) return options.nameAllocator.allocate(`${name}_${part}`);
      if (isNameUsed) return options.nameAllocator.allocate(name);
      isNameUsed = true;
      return name;
    };
    let dependsOnShapes = false;
    const context: ImportContext = {
      layer,
      config: layer.config,
      get inputShapes() {
        dependsOnShapes = true;
        return inputShapes;
      },
      isKeras3: options.isKeras3,
      training,
      log: options.log,
      createLayer: (className, args, part) =>
        add(
          new (getStockLayerClass(className))({
            ...args,
            name: allocateName(part),
            ...(isTrainable ? {} : { trainable: false }),
          }),
        ),
    };
    const result = importer(context);
    const customWeights = typeof result === 'function' ? undefined : result;
    if (customWeights) this.importedLayers.set(layer, { layers, customWeights });
    return this.storeImport(layer, {
      apply: typeof result === 'function' ? result : result.apply,
      training,
      inputShapes: dependsOnShapes ? formatShapes(inputShapes) : undefined,
    });
  }

  private storeImport(layer: KerasLayer, imported: ImportedCall): ImportedCall {
    addToGroup(this.importsByLayer, layer, imported);
    return imported;
  }

  /** Logs once per dtype that the model computes in float32 instead of using its mixed-precision policy. */
  private logDtype(dtype: string): void {
    if (dtype === 'float32' || this.loggedDtypes.has(dtype)) return;
    this.loggedDtypes.add(dtype);
    this.options.log(`the model computes in float32 instead of ${dtype}`);
  }

  /**
   * Makes a layer initialize its weights with zeros, which is fast, and throw a `file` error if the layers need more weight values than the
   * file contains.
   */
  private limitWeights(stock: tf.layers.Layer, layer: KerasLayer): void {
    stock.setFastWeightInitDuringBuild(true);
    const layerWithWeights = stock as unknown as AddsWeights;
    const addWeight = layerWithWeights.addWeight.bind(stock);
    layerWithWeights.addWeight = (name, shape, ...rest) => {
      this.remainingWeightValues -= shape.reduce<number>((product, size) => product * (size ?? 1), 1);
      if (!(this.remainingWeightValues >= 0)) {
        throw createLayerError(
          { layer },
          `at most ${this.options.maxWeightValues} weight values in total, as in the file`,
          `more values, including ${name} of shape [${shape.join(', ')}]`,
          'Pass the weights file that belongs to this model.',
        );
      }
      return addWeight(name, shape, ...rest);
    };
  }
}

const formatShapes = (shapes: readonly Shape[]) => shapes.map(formatShape).join(', ');

const formatShape = (shape: Shape) => `[${shape.slice(1).join(', ')}]`;

function findInputLayer(model: KerasModel, name: string): KerasLayer {
  const layer = model.layers.find((candidate) => candidate.name === name);
  if (layer?.className === 'InputLayer') return layer;
  throw createError({
    kind: 'file',
    path: model.inputsPath,
    expected: 'the name of an input layer',
    received: JSON.stringify(name),
    advice: 'Save the model again with Keras.',
  });
}
