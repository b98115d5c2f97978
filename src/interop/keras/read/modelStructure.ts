import type { JsonNode } from '../file/jsonNode.js';
import {
  isTensorReference,
  type LayerCall,
  type Operand,
  readInboundNodes,
  readTensorReferences,
  type TensorReference,
} from './inboundNodes.js';

/** A layer of a Keras file, as both dialects say it. */
export interface KerasLayer {
  /** `Conv2D`; what a user registered carries its package, `mine>Blur`. */
  readonly className: string;
  /** Where Keras 3 has the class: `keras.layers`, `keras.src.ops.numpy`. */
  readonly module: string;
  /** Unique in its model. */
  readonly name: string;
  readonly config: JsonNode;
  readonly trainable: boolean;
  readonly calls: readonly LayerCall[];
  /** What stands inside, where the layer is a model itself. */
  readonly model?: KerasModel;
}

/** A model: a graph of layers. A sequential one is read as such. */
export interface KerasModel {
  readonly name: string;
  readonly trainable: boolean;
  readonly layers: readonly KerasLayer[];
  readonly inputs: readonly TensorReference[];
  readonly outputs: readonly TensorReference[];
  /** Where the file names its inputs and outputs, for errors. */
  readonly inputsPath: string;
  readonly outputsPath: string;
}

/** Class names of models; subclasses of them carry a config of another kind. */
const FUNCTIONAL_CLASSES = ['Functional', 'Model'];

/** Layers and models in one file, at most. */
const MAX_LAYERS = 50_000;

/**
 * A model of a file as plain records: functional or sequential, of Keras 2 or 3, with the models inside it.
 *
 * @param json - `{ class_name, config }`.
 * @throws `file` fault for what is no such model, naming the place.
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
      'A subclassed model is a program: rebuild it with keras.Model(inputs, outputs).',
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

/** Keras 2 counts the call that made an inner model, which is not in the file: references to its calls begin at 1. */
function shiftKeras2Calls(model: KerasModel): KerasModel {
  const most = new Map<string, number>();
  const references = [
    ...model.outputs,
    ...model.layers.flatMap(({ calls }) =>
      calls.flatMap(({ operands }) => operands.filter(isTensorReference)),
    ),
  ];
  for (const { layer, node } of references) most.set(layer, Math.max(most.get(layer) ?? 0, node));
  const late = new Set(
    model.layers
      .filter(({ model: inner, calls, name }) => inner && calls.length > 0 && most.get(name) === calls.length)
      .map(({ name }) => name),
  );
  if (late.size === 0) return model;
  const earlier = <O extends Operand>(operand: O): O =>
    isTensorReference(operand) && late.has(operand.layer) ? { ...operand, node: operand.node - 1 } : operand;
  return {
    ...model,
    outputs: model.outputs.map(earlier),
    layers: model.layers.map((layer) => ({
      ...layer,
      calls: layer.calls.map((call) => ({ ...call, operands: call.operands.map(earlier) })),
    })),
  };
}

/** A chain. Its input is a layer of its own in Keras 3, and a field of the first layer, or of none, in Keras 2. */
function readSequentialModel(config: JsonNode, json: JsonNode, budget: LayerBudget): KerasModel {
  const list = config.isList ? config : config.at('layers'); // a list alone in the first versions
  const items = list.items();
  if (items.length === 0) throw list.createError('layers');
  const record = config.isRecord ? config : undefined;
  const layers: KerasLayer[] = [];
  const [first] = items;
  if (first!.at('class_name').value !== 'InputLayer') {
    const from = [
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
      config: list.withValue({ batch_shape: from?.value ?? null }),
      trainable: true,
      calls: [],
    });
  }
  for (const item of items) {
    const before = layers.at(-1);
    const operands = before ? [{ layer: before.name, node: 0, tensor: 0 }] : [];
    layers.push(readLayer(item, budget, before ? [{ operands, kwargs: {}, path: item.path }] : []));
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

/** The shape of a nested model's first input, if `layer` is one. */
function findInputShape(layer: JsonNode): JsonNode | undefined {
  const config = layer.at('config');
  const layers = config.isRecord ? config.at('layers') : config;
  const first = layers.isList ? layers.items()[0] : undefined;
  if (!first?.isRecord || !first.at('config').isRecord) return first && findInputShape(first);
  const shape = first.at('config').atAny('batch_shape', 'batch_input_shape');
  return shape.isMissing ? findInputShape(first) : shape;
}

function readLayer(json: JsonNode, budget: LayerBudget, calls: readonly LayerCall[]): KerasLayer {
  if (--budget.remainingLayers < 0) throw json.createError(`at most ${MAX_LAYERS} layers`, 'more');
  const className = json.at('class_name').asText();
  const config = json.at('config');
  if (className === 'InputLayer' && calls.length > 0) throw json.createError('an input that nothing feeds');
  const model = readModel(json, config, budget);
  const inner = config.isRecord ? config.at('name') : undefined;
  const name = json.at('name').isMissing && inner ? inner.asText() : json.at('name').asText();
  if (name === '') throw json.createError('a layer with a name');
  const registered = json.at('registered_name').value;
  return {
    className: typeof registered === 'string' && registered.includes('>') ? registered : className,
    module: json.at('module').asText(''),
    name,
    config,
    trainable: config.isRecord ? config.at('trainable').asBoolean(true) : true,
    calls,
    ...(model ? { model } : {}),
  };
}

function checkUniqueNames(layers: readonly KerasLayer[], list: JsonNode): void {
  const names = new Set<string>();
  layers.forEach(({ name }, i) => {
    if (names.has(name))
      throw list.createError('layers with names of their own', `"${name}" twice, at ${i} again`);
    names.add(name);
  });
}
