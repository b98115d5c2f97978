import type { JsonNode } from '../file/jsonNode.js';

/** What a call is given: a tensor, or a constant. */
export type Operand = TensorReference | { readonly constant: number | readonly number[] };

/** One call of a layer. */
export interface LayerCall {
  /** Tensors and constants, in order. */
  readonly operands: readonly Operand[];
  /** Keyword arguments that are neither absent nor a mask that is not there. */
  readonly kwargs: { readonly [name: string]: JsonNode };
  /** Whether the call names its phase. Keras 2 keeps to that; Keras 3 writes it too, and does not. */
  readonly training?: boolean;
  /** For errors. */
  readonly path: string;
}

export const isTensorReference = (operand: Operand): operand is TensorReference => 'layer' in operand;

/** The calls of a layer: `inbound_nodes` of either dialect. */
export function readInboundNodes(nodes: JsonNode): LayerCall[] {
  return nodes.isMissing
    ? []
    : nodes.items().map((node) => (isKeras3Node(node) ? readKeras3Node(node) : readKeras2Node(node)));
}

const isKeras3Node = (node: JsonNode) => node.isRecord && !node.at('args').isMissing;

/** `input_layers` and `output_layers`: one tensor, a list of them, or a record, which counts in the order of its keys. */
export function readTensorReferences(part: JsonNode): TensorReference[] {
  if (part.isRecord) {
    return sortEntries(part).flatMap(([key, item]) =>
      readTensorReferences(item).map((tensor) => ({ ...tensor, key })),
    );
  }
  const items = part.items();
  return typeof items[0]?.value === 'string'
    ? [readTensorReference(items[0], items[1], items[2], part)]
    : items.flatMap(readTensorReferences);
}

/** As Keras counts what stands in a record. */
const sortEntries = (part: JsonNode) => part.entries().sort(([a], [b]) => (a < b ? -1 : 1));

function readTensorReference(
  layer: JsonNode,
  node: JsonNode | undefined,
  tensor: JsonNode | undefined,
  whole: JsonNode,
): TensorReference {
  if (!node || !tensor) throw whole.createError('a layer, a call and an output: ["conv1", 0, 0]');
  return { layer: layer.asText(), node: node.asInteger(0), tensor: tensor.asInteger(0) };
}

/** Keras 3: `{ args, kwargs }` with tensors as records of their own. */
function readKeras3Node(node: JsonNode): LayerCall {
  const options: { [name: string]: JsonNode } = {};
  const operands = node
    .at('args')
    .items()
    .flatMap((arg, i) => {
      if (!isSliceSpec(arg)) return readOperands(arg) ?? [];
      options[`args${i}`] = arg;
      return [];
    });
  let training: boolean | undefined;
  const kwargs = node.at('kwargs');
  for (const [name, value] of kwargs.isMissing ? [] : kwargs.entries()) {
    if (isNull(value)) continue;
    if (name === 'training') training = value.asBoolean();
    else if (hasClassName(value, '__keras_tensor__')) operands.push(...readOperands(value)!);
    else options[name] = value;
  }
  return { operands, kwargs: options, ...(training === undefined ? {} : { training }), path: node.path };
}

/** Null, or a record or list of nulls: the mask of a model with several inputs. */
const isNull = (part: JsonNode): boolean =>
  part.isMissing ||
  (part.isRecord && part.entries().length > 0 && part.entries().every(([, item]) => isNull(item))) ||
  (part.isList && part.items().length > 0 && part.items().every(isNull));

/** `x[..., 0]`: what stands between the brackets. */
const isSliceSpec = (part: JsonNode): boolean =>
  part.isList
    ? part.items().some(isSliceSpec)
    : hasClassName(part, '__ellipsis__') || hasClassName(part, '__slice__');

const hasClassName = (part: JsonNode, className: string) =>
  part.isRecord && part.at('class_name').value === className;

function readOperands(part: JsonNode): Operand[] | undefined {
  if (part.isMissing) return undefined;
  if (typeof part.value === 'number') return [{ constant: part.asNumber() }];
  if (part.isList) return part.items().flatMap((item) => readOperands(item) ?? []);
  if (hasClassName(part, '__keras_tensor__')) {
    const history = part.at('config').at('keras_history');
    const [layer, call, tensor] = history.items();
    return [readTensorReference(layer ?? history, call, tensor, history)];
  }
  if (hasClassName(part, '__numpy__') || hasClassName(part, '__tensor__')) {
    return [{ constant: readConstant(part.at('config').at('value')) }];
  }
  if (part.isRecord && part.at('class_name').isMissing) {
    return sortEntries(part).flatMap(([, item]) => readOperands(item) ?? []);
  }
  throw part.createError('a tensor or a number', undefined, 'Build the model from layers.');
}

/** A number, or one a channel: axes of one before the channels say nothing. */
function readConstant(part: JsonNode): number | number[] {
  if (!part.isList) return part.asNumber();
  const items = part.items();
  return items.length === 1 && items[0]!.isList
    ? readConstant(items[0]!)
    : items.map((item) => item.asNumber());
}

/** Keras 2: `[[name, call, output, kwargs], …]`, a record of such, or one of them alone for an operation. */
function readKeras2Node(node: JsonNode): LayerCall {
  const operands: Operand[] = [];
  const options: { [name: string]: JsonNode } = {};
  let training: boolean | undefined;
  const tensorIn = (value: JsonNode) => {
    const items = value.isList ? value.items() : [];
    return items.length === 3 && typeof items[0]!.value === 'string'
      ? readTensorReference(items[0]!, items[1], items[2], value)
      : undefined;
  };
  const kwargsIn = (kwargs: JsonNode) => {
    for (const [name, value] of kwargs.entries()) {
      if (isNull(value) || name === 'name') continue;
      if (name === 'training') training = value.asBoolean();
      else if (tensorIn(value)) operands.push(tensorIn(value)!);
      else if (name === 'y' && typeof value.value === 'number') operands.push({ constant: value.asNumber() });
      else if (name === 'bias' && value.isList) operands.push({ constant: readConstant(value) });
      else options[name] = value;
    }
  };
  const entriesIn = (part: JsonNode): JsonNode[] => {
    if (part.isRecord) return sortEntries(part).flatMap(([, item]) => entriesIn(item));
    return typeof part.items()[0]?.value === 'string' ? [part] : part.items().flatMap(entriesIn);
  };
  for (const entry of entriesIn(node)) {
    const [layer, call, tensor, kwargs] = entry.items();
    if (layer!.value === '_CONSTANT_VALUE') operands.push({ constant: readConstant(tensor ?? entry) });
    else operands.push(readTensorReference(layer!, call, tensor, entry));
    if (kwargs && !kwargs.isMissing) kwargsIn(kwargs);
  }
  return { operands, kwargs: options, ...(training === undefined ? {} : { training }), path: node.path };
}

/** A tensor of a model: of which layer, of which of its calls, and which output of that. */
export interface TensorReference {
  readonly layer: string;
  readonly node: number;
  readonly tensor: number;
  /** Its key where a model has its inputs or outputs in a record. */
  readonly key?: string;
}
