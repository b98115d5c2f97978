import protobuf from 'protobufjs/minimal.js';
import { createError } from '../core/errors/errors.js';

/** Whole numbers, a number or a word, as an operation takes them beside its tensors. */
export type AttributeValue = number | string | readonly number[];

/** One operation of a graph; names refer to values. */
export interface OnnxNode {
  /** A name of ONNX's own set, or `domain:name` for one that ONNX Runtime adds. */
  readonly opType: string;
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
  /** Whole numbers are written as such; give `{ float }` or `{ floats }` for numbers that are not. */
  readonly attributes: {
    readonly [name: string]:
      | AttributeValue
      | { readonly float: number }
      | { readonly floats: readonly number[] };
  };
}

/** Numbers that are part of the graph, row-major. */
export interface Initializer {
  readonly name: string;
  readonly shape: readonly number[];
  readonly data: Float32Array | BigInt64Array;
}

/** What goes in or comes out, float32; a word as size stands for any. */
export interface ValueInfo {
  readonly name: string;
  readonly shape: readonly (number | string)[];
  readonly description: string;
}

/** A graph with its names, ready to be written. */
export interface OnnxModel {
  readonly nodes: readonly OnnxNode[];
  readonly initializers: readonly Initializer[];
  readonly inputs: readonly ValueInfo[];
  readonly outputs: readonly ValueInfo[];
  readonly description: string;
  readonly metadata: { readonly [key: string]: string };
}

/** The set of operations whose meaning the nodes have; ONNX 1.13 brought it. */
const OPSET_VERSION = 18;
const IR_VERSION = 8;
const [FLOAT, INT64] = [1, 7];

type Writer = protobuf.Writer;
type WriteFields = (writer: Writer) => unknown;

/** What one message of protobuf can hold. */
const MAX_MESSAGE_BYTES = 2 ** 31 - 1;

/**
 * The bytes of an `.onnx` file. Field numbers are those of ONNX's own `onnx.proto`.
 *
 * @throws `memory` fault for a graph that the format cannot hold.
 */
export function encodeOnnxModel(model: OnnxModel): Uint8Array {
  const size = model.initializers.reduce((sum, { data }) => sum + data.byteLength, 0);
  if (size > MAX_MESSAGE_BYTES) {
    throw createError({
      kind: 'memory',
      path: 'the ONNX graph',
      expected: 'at most 2 GiB of constants, the limit of the format',
      received: `${(size / 2 ** 30).toFixed(1)} GiB`,
      advice: 'Make the network smaller. The largest layer is usually a dense layer after flatten().',
    });
  }
  const writer = protobuf.Writer.create();
  writeNumber(writer, 1, IR_VERSION);
  writeText(writer, 2, 'tfjs-multitask');
  writeText(writer, 6, model.description);
  writeMessage(writer, 7, (graph) => {
    for (const node of model.nodes) writeMessage(graph, 1, (w) => writeNode(w, node));
    writeText(graph, 2, 'multitask');
    for (const constant of model.initializers) writeMessage(graph, 5, (w) => writeInitializer(w, constant));
    for (const port of model.inputs) writeMessage(graph, 11, (w) => writeValueInfo(w, port));
    for (const port of model.outputs) writeMessage(graph, 12, (w) => writeValueInfo(w, port));
  });
  writeMessage(writer, 8, (w) => writeNumber(w, 2, OPSET_VERSION));
  for (const domain of new Set(model.nodes.map((node) => splitOpType(node)[0]))) {
    if (domain === '') continue;
    writeMessage(writer, 8, (w) => {
      writeText(w, 1, domain);
      writeNumber(w, 2, 1);
    });
  }
  for (const [key, value] of Object.entries(model.metadata)) {
    writeMessage(writer, 14, (w) => {
      writeText(w, 1, key);
      writeText(w, 2, value);
    });
  }
  return writer.finish();
}

function writeNode(writer: Writer, node: OnnxNode): void {
  const { inputs, outputs, attributes } = node;
  const [domain, operation] = splitOpType(node);
  for (const input of inputs) writeText(writer, 1, input);
  for (const output of outputs) writeText(writer, 2, output);
  writeText(writer, 3, `${operation}:${outputs[0]}`);
  writeText(writer, 4, operation);
  for (const [name, value] of Object.entries(attributes)) {
    writeMessage(writer, 5, (w) => writeAttribute(w, name, value));
  }
  if (domain !== '') writeText(writer, 7, domain);
}

function splitOpType({ opType }: OnnxNode): readonly [domain: string, name: string] {
  const colon = opType.indexOf(':');
  return [opType.slice(0, Math.max(colon, 0)), opType.slice(colon + 1)];
}

function writeAttribute(writer: Writer, name: string, value: OnnxNode['attributes'][string]): void {
  writeText(writer, 1, name);
  const type = (code: number) => writeNumber(writer, 20, code);
  if (typeof value === 'number') {
    writeNumber(writer, 3, value);
    type(2);
  } else if (typeof value === 'string') {
    writeText(writer, 4, value);
    type(3);
  } else if ('float' in value) {
    writer.uint32(encodeTag(2, 5)).float(value.float);
    type(1);
  } else if ('floats' in value) {
    for (const entry of value.floats) writer.uint32(encodeTag(7, 5)).float(entry);
    type(6);
  } else {
    for (const entry of value) writeNumber(writer, 8, entry);
    type(7);
  }
}

function writeInitializer(writer: Writer, { name, shape, data }: Initializer): void {
  for (const size of shape) writeNumber(writer, 1, size);
  writeNumber(writer, 2, data instanceof Float32Array ? FLOAT : INT64);
  writeText(writer, 8, name);
  // Little-endian, as every machine that runs JavaScript is.
  writer.uint32(encodeTag(9, 2)).bytes(new Uint8Array(data.buffer, data.byteOffset, data.byteLength));
}

function writeValueInfo(writer: Writer, { name, shape, description }: ValueInfo): void {
  writeText(writer, 1, name);
  writeMessage(writer, 2, (type) =>
    writeMessage(type, 1, (tensor) => {
      writeNumber(tensor, 1, FLOAT!);
      writeMessage(tensor, 2, (dimensions) => {
        for (const size of shape) {
          writeMessage(dimensions, 1, (w) =>
            typeof size === 'number' ? writeNumber(w, 1, size) : writeText(w, 2, size),
          );
        }
      });
    }),
  );
  writeText(writer, 3, description);
}

const encodeTag = (field: number, wire: number) => (field << 3) | wire;
const writeNumber = (writer: Writer, field: number, value: number) =>
  writer.uint32(encodeTag(field, 0)).int64(value);
const writeText = (writer: Writer, field: number, value: string) =>
  writer.uint32(encodeTag(field, 2)).string(value);
function writeMessage(writer: Writer, field: number, fill: WriteFields): void {
  fill(writer.uint32(encodeTag(field, 2)).fork());
  writer.ldelim();
}
