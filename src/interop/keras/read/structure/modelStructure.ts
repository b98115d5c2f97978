import type { JsonNode } from '../../file/jsonNode.js';
import {
  isTensorReference,
  type LayerCall,
  type Operand,
  readInboundNodes,
  readTensorReferences,
  type TensorReference,
} from './inboundNodes.js';

/** Layer of a Keras file, in a form that is common to Keras 2 and Keras 3. */
export interface KerasLayer {
  /** Class name, such as `Conv2D`. The name of a registered class includes its package, for example `mine>Blur`. */
  readonly className: string;
  /** Python module of the class in Keras 3, for example `keras.layers` or `keras.src.ops.numpy`. */
  readonly module: string;
  /** Name of the layer, unique in its model. */
  readonly name: string;
  readonly config: JsonNode;
  readonly trainable: boolean;
  readonly calls: readonly LayerCall[];
  /** The nested model, if the layer is a model. */
  readonly model?: KerasModel;
}

/** Model of a Keras file, as a graph of layers. Sequential models are also represented as graphs. */
export interface KerasModel {
  readonly name: string;
  readonly trainable: boolean;
  readonly layers: readonly KerasLayer[];
  readonly inputs: readonly TensorReference[];
  readonly outputs: readonly TensorReference[];
  /** Path of the list of inputs in the file, used in error messages. */
  readonly inputsPath: string;
  /** Path of the list of outputs in the file, used in error messages. */
  readonly outputsPath: string;
}

/** Class names of functional models in Keras 2 and 3. */
const FUNCTIONAL_CLASSES = ['Functional', 'Model'];

/** Maximum number of layers and models in one file. */
const MAX_LAYERS = 50_000;

/**
 * Reads a functional or sequential model of Keras 2 or 3, including its nested models, as plain records.
 *
 * @param json - Node with `{ class_name, config }`.
 * @throws A `file` error if the model is of another kind, or is invalid. The error path contains the invalid value.
 */
export function readModelStructure(json: JsonNode): KerasModel {
  const budget = { remainingLayers: MAX_LAYERS };
  const model = readModel(json, json.atSamePath('config'), budget);
  if (model) return model;
  throw json
    .at('class_name')
    .createError(
      'a functional or sequential model',
      undefined,
      'Rebuild a subclassed model with keras.Model(inputs, outputs), because its file does not contain the layer graph.',
    );
}

type LayerBudget = { remainingLayers: number };

function readModel(json: JsonNode, config: JsonNode, budget: LayerBudget): KerasModel | undefined {
  const className = json.at('class_name').asText();
  if (className === 'Sequential') return readSequentialModel(config, json, budget);
  if (FUNCTIONAL_CLASSES.includes(className) && config.isRecord && config.at('layers').isList) {
    return readFunctionalModel(config, budget);
  }
  return undefined;
}

function readFunctionalModel(config: JsonNode, budget: LayerBudget): KerasModel {
  const layers = config
    .at('layers')
    .items()
    .map((layer) => readLayer(layer, budget, readInboundNodes(layer.at('inbound_nodes'))));
  checkUniqueNames(layers, config.at('layers'));
  return shiftKeras2Calls({
    name: config.at('name').asText(''),
    trainable: config.at('trainable').asBoolean(true),
    layers,
    inputs: readTensorReferences(config.at('input_layers')),
    outputs: readTensorReferences(config.at('output_layers')),
    outputsPath: config.at('output_layers').path,
    inputsPath: config.at('input_layers').path,
  });
}

/**
 * Corrects references to the calls of nested models. Keras 2 also counts the call that created a nested model. This call is not in the
 * file, so references in Keras 2 start at 1 instead of 0.
 */
function shiftKeras2Calls(model: KerasModel): KerasModel {
  const highestCalls = new Map<string, number>();
  const references = [
    ...model.outputs,
    ...model.layers.flatMap(({ calls }) =>
      calls.flatMap(({ operands }) => operands.filter(isTensorReference)),
    ),
  ];
  for (const { layer, node } of references)
    highestCalls.set(layer, Math.max(highestCalls.get(layer) ?? 0, node));
  const shiftedLayers = new Set(
    model.layers
      .filter(
        ({ model: inner, calls, name }) =>
          inner && calls.length > 0 && highestCalls.get(name) === calls.length,
      )
      .map(({ name }) => name),
  );
  if (shiftedLayers.size === 0) return model;
  const shift = <O extends Operand>(operand: O): O =>
    isTensorReference(operand) && shiftedLayers.has(operand.layer)
      ? { ...operand, node: operand.node - 1 }
      : operand;
  return {
    ...model,
    outputs: model.outputs.map(shift),
    layers: model.layers.map((layer) => ({
      ...layer,
      calls: layer.calls.map((call) => ({ ...call, operands: call.operands.map(shift) })),
    })),
  };
}

/**
 * Reads a sequential model as a chain of layers. In Keras 3, the input of the model is a layer. In Keras 2, the input is a field of
 * the first layer, or is missing.
 */
function readSequentialModel(config: JsonNode, json: JsonNode, budget: LayerBudget): KerasModel {
  const list = config.isList ? config : config.at('layers'); // Early versions of Keras 2 stored only the list.
  const items = list.items();
  if (items.length === 0) throw list.createError('at least one layer');
  const record = config.isRecord ? config : undefined;
  const layers: KerasLayer[] = [];
  const [first] = items;
  if (first!.at('class_name').value !== 'InputLayer') {
    const shapeNode = [
      first!.at('config').isRecord
        ? first!.at('config').atAny('batch_input_shape', 'batch_shape')
        : undefined,
      record?.at('build_input_shape'),
      json.at('build_config').isRecord ? json.at('build_config').at('input_shape') : undefined,
      findInputShape(first!),
    ].find((part) => part && !part.isMissing);
    layers.push({
      className: 'InputLayer',
      module: '',
      name: `${record?.at('name').asText('sequential') ?? 'sequential'}_input`,
      config: list.withValue({ batch_shape: shapeNode?.value ?? null }),
      trainable: true,
      calls: [],
    });
  }
  for (const item of items) {
    const previousLayer = layers.at(-1);
    const operands = previousLayer ? [{ layer: previousLayer.name, node: 0, tensor: 0 }] : [];
    layers.push(readLayer(item, budget, previousLayer ? [{ operands, kwargs: {}, path: item.path }] : []));
  }
  checkUniqueNames(layers, list);
  return {
    name: record?.at('name').asText('') ?? '',
    trainable: record?.at('trainable').asBoolean(true) ?? true,
    layers,
    inputs: [{ layer: layers[0]!.name, node: 0, tensor: 0 }],
    outputs: [{ layer: layers.at(-1)!.name, node: 0, tensor: 0 }],
    outputsPath: list.path,
    inputsPath: list.path,
  };
}

/**
 * Searches a nested model for its input shape, and returns the JSON value that contains the shape. Returns undefined for a layer that is
 * not a model.
 */
function findInputShape(layer: JsonNode): JsonNode | undefined {
  const config = layer.at('config');
  const layers = config.isRecord ? config.at('layers') : config;
  const first = layers.isList ? layers.items()[0] : undefined;
  if (!first?.isRecord || !first.at('config').isRecord) return first && findInputShape(first);
  const shape = first.at('config').atAny('batch_shape', 'batch_input_shape');
  return shape.isMissing ? findInputShape(first) : shape;
}

function readLayer(json: JsonNode, budget: LayerBudget, calls: readonly LayerCall[]): KerasLayer {
  if (--budget.remainingLayers < 0)
    throw json.createError(
      `a file with at most ${MAX_LAYERS} layers`,
      'a file with more layers',
      'Save a smaller model.',
    );
  const className = json.at('class_name').asText();
  const config = json.at('config');
  if (className === 'InputLayer' && calls.length > 0)
    throw json.createError('an input layer without inbound nodes', 'an input layer with inbound nodes');
  const model = readModel(json, config, budget);
  const configName = config.isRecord ? config.at('name') : undefined;
  const name = json.at('name').isMissing && configName ? configName.asText() : json.at('name').asText();
  if (name === '') throw json.createError('a layer with a name', 'a layer with an empty name');
  const registeredName = json.at('registered_name').value;
  return {
    className:
      typeof registeredName === 'string' && registeredName.includes('>') ? registeredName : className,
    module: json.at('module').asText(''),
    name,
    config,
    trainable: config.isRecord ? config.at('trainable').asBoolean(true) : true,
    calls,
    ...(model ? { model } : {}),
  };
}

function checkUniqueNames(layers: readonly KerasLayer[], list: JsonNode): void {
  const usedNames = new Set<string>();
  layers.forEach(({ name }, i) => {
    if (usedNames.has(name))
      throw list.createError('layers with unique names', `"${name}" twice, the second time at index ${i}`);
    usedNames.add(name);
  });
}
