import { type Call, isTensor, type Operand, readCalls, readReferences } from './inbound.js';
import type { JsonPart } from './jsonPart.js';

/** A layer of a Keras file, as both dialects say it. */
export interface KerasLayer {
  /** `Conv2D`; what a user registered carries its package, `mine>Blur`. */
  readonly className: string;
  /** Where Keras 3 has the class: `keras.layers`, `keras.src.ops.numpy`. */
  readonly module: string;
  /** Unique in its model. */
  readonly name: string;
  readonly config: JsonPart;
  readonly trainable: boolean;
  readonly calls: readonly Call[];
  /** What stands inside, where the layer is a model itself. */
  readonly model?: KerasModel;
}

/** A model: a graph of layers. A sequential one is read as such. */
export interface KerasModel {
  readonly name: string;
  readonly trainable: boolean;
  readonly layers: readonly KerasLayer[];
  readonly inputs: readonly Reference[];
  readonly outputs: readonly Reference[];
  /** Where the file names its inputs and outputs, for errors. */
  readonly inputsPath: string;
  readonly outputsPath: string;
}

/** A tensor of a model: of which layer, of which of its calls, and which output of that. */
export interface Reference {
  readonly layer: string;
  readonly node: number;
  readonly tensor: number;
  /** Its key where a model has its inputs or outputs in a record. */
  readonly key?: string;
}

/** Class names of models; subclasses of them carry a config of another kind. */
const FUNCTIONAL = ['Functional', 'Model'];

/** Layers and models in one file, at most. */
const MOST_LAYERS = 50_000;

/**
 * A model of a file as plain records: functional or sequential, of Keras 2 or 3, with the models inside it.
 *
 * @param json - `{ class_name, config }`.
 * @throws `file` fault for what is no such model, naming the place.
 */
export function readStructure(json: JsonPart): KerasModel {
  const budget = { layers: MOST_LAYERS };
  const model = modelOf(json, json.within('config'), budget);
  if (model) return model;
  throw json
    .at('class_name')
    .wrong(
      'a functional or sequential model',
      undefined,
      'A subclassed model is a program: rebuild it with keras.Model(inputs, outputs).',
    );
}

type Budget = { layers: number };

function modelOf(json: JsonPart, config: JsonPart, budget: Budget): KerasModel | undefined {
  const className = json.at('class_name').text();
  if (className === 'Sequential') return sequential(config, json, budget);
  if (FUNCTIONAL.includes(className) && config.isRecord && config.at('layers').isList) {
    return functional(config, budget);
  }
  return undefined;
}

function functional(config: JsonPart, budget: Budget): KerasModel {
  const layers = config
    .at('layers')
    .items()
    .map((layer) => layerOf(layer, budget, readCalls(layer.at('inbound_nodes'))));
  checkNames(layers, config.at('layers'));
  return recounted({
    name: config.at('name').text(''),
    trainable: config.at('trainable').flag(true),
    layers,
    inputs: readReferences(config.at('input_layers')),
    outputs: readReferences(config.at('output_layers')),
    outputsPath: config.at('output_layers').path,
    inputsPath: config.at('input_layers').path,
  });
}

/** Keras 2 counts the call that made an inner model, which is not in the file: references to its calls begin at 1. */
function recounted(model: KerasModel): KerasModel {
  const most = new Map<string, number>();
  const references = [
    ...model.outputs,
    ...model.layers.flatMap(({ calls }) => calls.flatMap(({ operands }) => operands.filter(isTensor))),
  ];
  for (const { layer, node } of references) most.set(layer, Math.max(most.get(layer) ?? 0, node));
  const late = new Set(
    model.layers
      .filter(({ model: inner, calls, name }) => inner && calls.length > 0 && most.get(name) === calls.length)
      .map(({ name }) => name),
  );
  if (late.size === 0) return model;
  const earlier = <O extends Operand>(operand: O): O =>
    isTensor(operand) && late.has(operand.layer) ? { ...operand, node: operand.node - 1 } : operand;
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
function sequential(config: JsonPart, json: JsonPart, budget: Budget): KerasModel {
  const list = config.isList ? config : config.at('layers'); // a list alone in the first versions
  const items = list.items();
  if (items.length === 0) throw list.wrong('layers');
  const record = config.isRecord ? config : undefined;
  const layers: KerasLayer[] = [];
  const [first] = items;
  if (first!.at('class_name').value !== 'InputLayer') {
    const from = [
      first!.at('config').isRecord
        ? first!.at('config').either('batch_input_shape', 'batch_shape')
        : undefined,
      record?.at('build_input_shape'),
      json.at('build_config').isRecord ? json.at('build_config').at('input_shape') : undefined,
      inputOf(first!),
    ].find((part) => part && !part.missing);
    layers.push({
      className: 'InputLayer',
      module: '',
      name: `${record?.at('name').text('sequential') ?? 'sequential'}_input`,
      config: list.beside({ batch_shape: from?.value ?? null }),
      trainable: true,
      calls: [],
    });
  }
  for (const item of items) {
    const before = layers.at(-1);
    const operands = before ? [{ layer: before.name, node: 0, tensor: 0 }] : [];
    layers.push(layerOf(item, budget, before ? [{ operands, options: {}, path: item.path }] : []));
  }
  checkNames(layers, list);
  return {
    name: record?.at('name').text('') ?? '',
    trainable: record?.at('trainable').flag(true) ?? true,
    layers,
    inputs: [{ layer: layers[0]!.name, node: 0, tensor: 0 }],
    outputs: [{ layer: layers.at(-1)!.name, node: 0, tensor: 0 }],
    outputsPath: list.path,
    inputsPath: list.path,
  };
}

/** The shape of a nested model's first input, if `layer` is one. */
function inputOf(layer: JsonPart): JsonPart | undefined {
  const config = layer.at('config');
  const layers = config.isRecord ? config.at('layers') : config;
  const first = layers.isList ? layers.items()[0] : undefined;
  if (!first?.isRecord || !first.at('config').isRecord) return first && inputOf(first);
  const shape = first.at('config').either('batch_shape', 'batch_input_shape');
  return shape.missing ? inputOf(first) : shape;
}

function layerOf(json: JsonPart, budget: Budget, calls: readonly Call[]): KerasLayer {
  if (--budget.layers < 0) throw json.wrong(`at most ${MOST_LAYERS} layers`, 'more');
  const className = json.at('class_name').text();
  const config = json.at('config');
  if (className === 'InputLayer' && calls.length > 0) throw json.wrong('an input that nothing feeds');
  const model = modelOf(json, config, budget);
  const inner = config.isRecord ? config.at('name') : undefined;
  const name = json.at('name').missing && inner ? inner.text() : json.at('name').text();
  if (name === '') throw json.wrong('a layer with a name');
  const registered = json.at('registered_name').value;
  return {
    className: typeof registered === 'string' && registered.includes('>') ? registered : className,
    module: json.at('module').text(''),
    name,
    config,
    trainable: config.isRecord ? config.at('trainable').flag(true) : true,
    calls,
    ...(model ? { model } : {}),
  };
}

function checkNames(layers: readonly KerasLayer[], list: JsonPart): void {
  const names = new Set<string>();
  layers.forEach(({ name }, i) => {
    if (names.has(name)) throw list.wrong('layers with names of their own', `"${name}" twice, at ${i} again`);
    names.add(name);
  });
}
