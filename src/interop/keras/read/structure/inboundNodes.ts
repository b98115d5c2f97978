import type { JsonNode } from '../../file/jsonNode.js';

/** Operand of a layer call: a tensor or a constant. */
export type Operand = TensorReference | { readonly constant: number | readonly number[] };

/** One call of a layer. */
export interface LayerCall {
  /** Tensors and constants that are passed to the layer, in order. */
  readonly operands: readonly Operand[];
  /** Keyword arguments of the call. Arguments that are null are omitted. */
  readonly kwargs: { readonly [name: string]: JsonNode };
  /** Value of the `training` argument in the call. Keras 2 uses this value; Keras 3 also writes it, but ignores it. */
  readonly training?: boolean;
  /** Path of the call, used in error messages. */
  readonly path: string;
}

export const isTensorReference = (operand: Operand): operand is TensorReference => 'layer' in operand;

/** Reads the calls of a layer from `inbound_nodes`, in the format of Keras 2 or Keras 3. */
export function readInboundNodes(nodes: JsonNode): LayerCall[] {
  return nodes.isMissing
    ? []
    : nodes.items().map((node) => (isKeras3Node(node) ? readKeras3Node(node) : readKeras2Node(node)));
}

const isKeras3Node = (node: JsonNode) => node.isRecord && !node.at('args').isMissing;

/**
 * Reads the references in `input_layers` or `output_layers`. The value is one reference, a list of references, or a record. A record is
 * sorted by key, as in Keras.
 */
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

/** Sorts the fields of a record by key, as Keras does. */
const sortEntries = (part: JsonNode) => part.entries().sort(([a], [b]) => (a < b ? -1 : 1));

function readTensorReference(
  layer: JsonNode,
  node: JsonNode | undefined,
  tensor: JsonNode | undefined,
  whole: JsonNode,
): TensorReference {
  if (!node || !tensor)
    throw whole.createError('a reference to a layer, a call and an output, such as ["conv1", 0, 0]');
  return { layer: layer.asText(), node: node.asInteger(0), tensor: tensor.asInteger(0) };
}

/** Reads a layer call in the format of Keras 3: `{ args, kwargs }`, in which tensors are objects. */
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

/** Returns whether a value is null or contains only nulls, such as the unused masks of a model with several inputs. */
const isNull = (part: JsonNode): boolean =>
  part.isMissing ||
  (part.isRecord && part.entries().length > 0 && part.entries().every(([, item]) => isNull(item))) ||
  (part.isList && part.items().length > 0 && part.items().every(isNull));

/** Returns whether an argument is the index of a slicing operation, for example in `x[..., 0]`. */
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

/** Reads a constant operand: a number, or one number per channel. Leading axes of size 1 are removed. */
function readConstant(part: JsonNode): number | number[] {
  if (!part.isList) return part.asNumber();
  const items = part.items();
  return items.length === 1 && items[0]!.isList
    ? readConstant(items[0]!)
    : items.map((item) => item.asNumber());
}

/**
 * Reads a layer call in the format of Keras 2: a list or record of inputs `[layer, call, output, kwargs]`, or a single input for an
 * operation.
 */
function readKeras2Node(node: JsonNode): LayerCall {
  const operands: Operand[] = [];
  const options: { [name: string]: JsonNode } = {};
  let training: boolean | undefined;
  const readTensor = (value: JsonNode) => {
    const items = value.isList ? value.items() : [];
    return items.length === 3 && typeof items[0]!.value === 'string'
      ? readTensorReference(items[0]!, items[1], items[2], value)
      : undefined;
  };
  const readKwargs = (kwargs: JsonNode) => {
    for (const [name, value] of kwargs.entries()) {
      if (isNull(value) || name === 'name') continue;
      if (name === 'training') training = value.asBoolean();
      else if (readTensor(value)) operands.push(readTensor(value)!);
      else if (name === 'y' && typeof value.value === 'number') operands.push({ constant: value.asNumber() });
      else if (name === 'bias' && value.isList) operands.push({ constant: readConstant(value) });
      else options[name] = value;
    }
  };
  const flattenEntries = (part: JsonNode): JsonNode[] => {
    if (part.isRecord) return sortEntries(part).flatMap(([, item]) => flattenEntries(item));
    return typeof part.items()[0]?.value === 'string' ? [part] : part.items().flatMap(flattenEntries);
  };
  for (const entry of flattenEntries(node)) {
    const [layer, call, tensor, kwargs] = entry.items();
    if (layer!.value === '_CONSTANT_VALUE') operands.push({ constant: readConstant(tensor ?? entry) });
    else operands.push(readTensorReference(layer!, call, tensor, entry));
    if (kwargs && !kwargs.isMissing) readKwargs(kwargs);
  }
  return { operands, kwargs: options, ...(training === undefined ? {} : { training }), path: node.path };
}

/** Reference to a tensor of a model: the layer, the index of its call, and the index of the output. */
export interface TensorReference {
  readonly layer: string;
  readonly node: number;
  readonly tensor: number;
  /** Key of the tensor if the inputs or outputs of the model are a record. */
  readonly key?: string;
}
