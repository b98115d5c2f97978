import type { JsonPart } from './jsonPart.js';
import type { Reference } from './structure.js';

/** What a call is given: a tensor, or a constant. */
export type Operand = Reference | { readonly constant: number | readonly number[] };

/** One call of a layer. */
export interface Call {
  /** Tensors and constants, in order. */
  readonly operands: readonly Operand[];
  /** Keyword arguments that are neither absent nor a mask that is not there. */
  readonly options: { readonly [name: string]: JsonPart };
  /** Whether the call names its phase. Keras 2 keeps to that; Keras 3 writes it too, and does not. */
  readonly training?: boolean;
  /** For errors. */
  readonly path: string;
}

export const isTensor = (operand: Operand): operand is Reference => 'layer' in operand;

/** The calls of a layer: `inbound_nodes` of either dialect. */
export function readCalls(nodes: JsonPart): Call[] {
  return nodes.missing ? [] : nodes.items().map((node) => (isKeras3(node) ? keras3(node) : keras2(node)));
}

const isKeras3 = (node: JsonPart) => node.isRecord && !node.at('args').missing;

/** `input_layers` and `output_layers`: one tensor, a list of them, or a record, which counts in the order of its keys. */
export function readReferences(part: JsonPart): Reference[] {
  if (part.isRecord) {
    return sorted(part).flatMap(([key, item]) => readReferences(item).map((tensor) => ({ ...tensor, key })));
  }
  const items = part.items();
  return typeof items[0]?.value === 'string'
    ? [reference(items[0], items[1], items[2], part)]
    : items.flatMap(readReferences);
}

/** As Keras counts what stands in a record. */
const sorted = (part: JsonPart) => part.entries().sort(([a], [b]) => (a < b ? -1 : 1));

function reference(
  layer: JsonPart,
  node: JsonPart | undefined,
  tensor: JsonPart | undefined,
  whole: JsonPart,
): Reference {
  if (!node || !tensor) throw whole.wrong('a layer, a call and an output: ["conv1", 0, 0]');
  return { layer: layer.text(), node: node.count(0), tensor: tensor.count(0) };
}

/** Keras 3: `{ args, kwargs }` with tensors as records of their own. */
function keras3(node: JsonPart): Call {
  const options: { [name: string]: JsonPart } = {};
  const operands = node
    .at('args')
    .items()
    .flatMap((arg, i) => {
      if (!isSlices(arg)) return operandsIn(arg) ?? [];
      options[`args${i}`] = arg;
      return [];
    });
  let training: boolean | undefined;
  const kwargs = node.at('kwargs');
  for (const [name, value] of kwargs.missing ? [] : kwargs.entries()) {
    if (isNothing(value)) continue;
    if (name === 'training') training = value.flag();
    else if (isObject(value, '__keras_tensor__')) operands.push(...operandsIn(value)!);
    else options[name] = value;
  }
  return { operands, options, ...(training === undefined ? {} : { training }), path: node.path };
}

/** Null, or a record or list of nulls: the mask of a model with several inputs. */
const isNothing = (part: JsonPart): boolean =>
  part.missing ||
  (part.isRecord && part.entries().length > 0 && part.entries().every(([, item]) => isNothing(item))) ||
  (part.isList && part.items().length > 0 && part.items().every(isNothing));

/** `x[..., 0]`: what stands between the brackets. */
const isSlices = (part: JsonPart): boolean =>
  part.isList ? part.items().some(isSlices) : isObject(part, '__ellipsis__') || isObject(part, '__slice__');

const isObject = (part: JsonPart, className: string) =>
  part.isRecord && part.at('class_name').value === className;

function operandsIn(part: JsonPart): Operand[] | undefined {
  if (part.missing) return undefined;
  if (typeof part.value === 'number') return [{ constant: part.number() }];
  if (part.isList) return part.items().flatMap((item) => operandsIn(item) ?? []);
  if (isObject(part, '__keras_tensor__')) {
    const history = part.at('config').at('keras_history');
    const [layer, call, tensor] = history.items();
    return [reference(layer ?? history, call, tensor, history)];
  }
  if (isObject(part, '__numpy__') || isObject(part, '__tensor__')) {
    return [{ constant: constantOf(part.at('config').at('value')) }];
  }
  if (part.isRecord && part.at('class_name').missing) {
    return sorted(part).flatMap(([, item]) => operandsIn(item) ?? []);
  }
  throw part.wrong('a tensor or a number', undefined, 'Build the model from layers.');
}

/** A number, or one a channel: axes of one before the channels say nothing. */
function constantOf(part: JsonPart): number | number[] {
  if (!part.isList) return part.number();
  const items = part.items();
  return items.length === 1 && items[0]!.isList ? constantOf(items[0]!) : items.map((item) => item.number());
}

/** Keras 2: `[[name, call, output, kwargs], …]`, a record of such, or one of them alone for an operation. */
function keras2(node: JsonPart): Call {
  const operands: Operand[] = [];
  const options: { [name: string]: JsonPart } = {};
  let training: boolean | undefined;
  const tensorIn = (value: JsonPart) => {
    const items = value.isList ? value.items() : [];
    return items.length === 3 && typeof items[0]!.value === 'string'
      ? reference(items[0]!, items[1], items[2], value)
      : undefined;
  };
  const kwargsIn = (kwargs: JsonPart) => {
    for (const [name, value] of kwargs.entries()) {
      if (isNothing(value) || name === 'name') continue;
      if (name === 'training') training = value.flag();
      else if (tensorIn(value)) operands.push(tensorIn(value)!);
      else if (name === 'y' && typeof value.value === 'number') operands.push({ constant: value.number() });
      else if (name === 'bias' && value.isList) operands.push({ constant: constantOf(value) });
      else options[name] = value;
    }
  };
  const entriesIn = (part: JsonPart): JsonPart[] => {
    if (part.isRecord) return sorted(part).flatMap(([, item]) => entriesIn(item));
    return typeof part.items()[0]?.value === 'string' ? [part] : part.items().flatMap(entriesIn);
  };
  for (const entry of entriesIn(node)) {
    const [layer, call, tensor, kwargs] = entry.items();
    if (layer!.value === '_CONSTANT_VALUE') operands.push({ constant: constantOf(tensor ?? entry) });
    else operands.push(reference(layer!, call, tensor, entry));
    if (kwargs && !kwargs.missing) kwargsIn(kwargs);
  }
  return { operands, options, ...(training === undefined ? {} : { training }), path: node.path };
}
