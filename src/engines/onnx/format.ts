import protobuf from 'protobufjs/minimal.js';
import { fault } from '../../core/errors.js';

/** Whole numbers, a number or a word, as an operation takes them beside its tensors. */
export type Attribute = number | string | readonly number[];

/** One operation of a graph; names refer to values. */
export interface Node {
  /** A name of ONNX's own set, or `domain:name` for one that ONNX Runtime adds. */
  readonly operation: string;
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
  /** Whole numbers are written as such; give `{ float }` or `{ floats }` for numbers that are not. */
  readonly attributes: {
    readonly [name: string]: Attribute | { readonly float: number } | { readonly floats: readonly number[] };
  };
}

/** Numbers that are part of the graph, row-major. */
export interface Constant {
  readonly name: string;
  readonly shape: readonly number[];
  readonly data: Float32Array | BigInt64Array;
}

/** What goes in or comes out, float32; a word as size stands for any. */
export interface Port {
  readonly name: string;
  readonly shape: readonly (number | string)[];
  readonly description: string;
}

/** A graph with its names, ready to be written. */
export interface OnnxModel {
  readonly nodes: readonly Node[];
  readonly constants: readonly Constant[];
  readonly inputs: readonly Port[];
  readonly outputs: readonly Port[];
  readonly description: string;
  readonly metadata: { readonly [key: string]: string };
}

/** The set of operations whose meaning the nodes have; ONNX 1.13 brought it. */
const OPERATION_SET = 18;
const FORMAT_VERSION = 8;
const [FLOAT, INT64] = [1, 7];

type Writer = protobuf.Writer;
type Fill = (writer: Writer) => unknown;

/** What one message of protobuf can hold. */
const LARGEST = 2 ** 31 - 1;

/**
 * The bytes of an `.onnx` file. Field numbers are those of ONNX's own `onnx.proto`.
 *
 * @throws `memory` fault for a graph that the format cannot hold.
 */
export function onnxBytes(model: OnnxModel): Uint8Array {
  const size = model.constants.reduce((sum, { data }) => sum + data.byteLength, 0);
  if (size > LARGEST) {
    throw fault({
      kind: 'memory',
      path: 'the ONNX graph',
      expected: 'at most 2 GiB of constants, as the format holds',
      received: `${(size / 2 ** 30).toFixed(1)} GiB`,
      advice: 'Make the network smaller; a dense layer behind flatten() is most often the largest.',
    });
  }
  const writer = protobuf.Writer.create();
  number(writer, 1, FORMAT_VERSION);
  text(writer, 2, 'tfjs-multitask');
  text(writer, 6, model.description);
  message(writer, 7, (graph) => {
    for (const node of model.nodes) message(graph, 1, (w) => writeNode(w, node));
    text(graph, 2, 'multitask');
    for (const constant of model.constants) message(graph, 5, (w) => writeConstant(w, constant));
    for (const port of model.inputs) message(graph, 11, (w) => writePort(w, port));
    for (const port of model.outputs) message(graph, 12, (w) => writePort(w, port));
  });
  message(writer, 8, (w) => number(w, 2, OPERATION_SET));
  for (const domain of new Set(model.nodes.map((node) => domainOf(node)[0]))) {
    if (domain === '') continue;
    message(writer, 8, (w) => {
      text(w, 1, domain);
      number(w, 2, 1);
    });
  }
  for (const [key, value] of Object.entries(model.metadata)) {
    message(writer, 14, (w) => {
      text(w, 1, key);
      text(w, 2, value);
    });
  }
  return writer.finish();
}

function writeNode(writer: Writer, node: Node): void {
  const { inputs, outputs, attributes } = node;
  const [domain, operation] = domainOf(node);
  for (const input of inputs) text(writer, 1, input);
  for (const output of outputs) text(writer, 2, output);
  text(writer, 3, `${operation}:${outputs[0]}`);
  text(writer, 4, operation);
  for (const [name, value] of Object.entries(attributes)) {
    message(writer, 5, (w) => writeAttribute(w, name, value));
  }
  if (domain !== '') text(writer, 7, domain);
}

function domainOf({ operation }: Node): readonly [domain: string, name: string] {
  const colon = operation.indexOf(':');
  return [operation.slice(0, Math.max(colon, 0)), operation.slice(colon + 1)];
}

function writeAttribute(writer: Writer, name: string, value: Node['attributes'][string]): void {
  text(writer, 1, name);
  const type = (code: number) => number(writer, 20, code);
  if (typeof value === 'number') {
    number(writer, 3, value);
    type(2);
  } else if (typeof value === 'string') {
    text(writer, 4, value);
    type(3);
  } else if ('float' in value) {
    writer.uint32(tag(2, 5)).float(value.float);
    type(1);
  } else if ('floats' in value) {
    for (const entry of value.floats) writer.uint32(tag(7, 5)).float(entry);
    type(6);
  } else {
    for (const entry of value) number(writer, 8, entry);
    type(7);
  }
}

function writeConstant(writer: Writer, { name, shape, data }: Constant): void {
  for (const size of shape) number(writer, 1, size);
  number(writer, 2, data instanceof Float32Array ? FLOAT : INT64);
  text(writer, 8, name);
  // Little-endian, as every machine that runs JavaScript is.
  writer.uint32(tag(9, 2)).bytes(new Uint8Array(data.buffer, data.byteOffset, data.byteLength));
}

function writePort(writer: Writer, { name, shape, description }: Port): void {
  text(writer, 1, name);
  message(writer, 2, (type) =>
    message(type, 1, (tensor) => {
      number(tensor, 1, FLOAT!);
      message(tensor, 2, (dimensions) => {
        for (const size of shape) {
          message(dimensions, 1, (w) => (typeof size === 'number' ? number(w, 1, size) : text(w, 2, size)));
        }
      });
    }),
  );
  text(writer, 3, description);
}

const tag = (field: number, wire: number) => (field << 3) | wire;
const number = (writer: Writer, field: number, value: number) => writer.uint32(tag(field, 0)).int64(value);
const text = (writer: Writer, field: number, value: string) => writer.uint32(tag(field, 2)).string(value);
function message(writer: Writer, field: number, fill: Fill): void {
  fill(writer.uint32(tag(field, 2)).fork());
  writer.ldelim();
}
