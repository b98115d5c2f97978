import protobuf from 'protobufjs/minimal.js';
import { createError } from '../core/errors/errors.js';

/** Attribute of an ONNX node: an integer, a string or a list of integers. */
export type AttributeValue = number | string | readonly number[];

/** One node of an ONNX graph. Inputs and outputs are the names of tensors. */
export interface OnnxNode {
  /** Name of an ONNX operator, or `domain:name` for an operator that only ONNX Runtime supports. */
  readonly opType: string;
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
  /** Attributes, keyed by name. A plain number is written as an integer; use `{ float }` or `{ floats }` for floating-point numbers. */
  readonly attributes: {
    readonly [name: string]:
      | AttributeValue
      | { readonly float: number }
      | { readonly floats: readonly number[] };
  };
}

/** Constant of an ONNX graph, with its elements in row-major order. */
export interface Initializer {
  readonly name: string;
  readonly shape: readonly number[];
  readonly data: Float32Array | BigInt64Array;
}

/** Float32 input or output of an ONNX graph. A string in the shape is the name of a dynamic dimension. */
export interface ValueInfo {
  readonly name: string;
  readonly shape: readonly (number | string)[];
  readonly description: string;
}

/** ONNX graph: its nodes in execution order, and its constants. */
export interface OnnxGraph {
  readonly nodes: readonly OnnxNode[];
  readonly initializers: readonly Initializer[];
}

/** Contents of an `.onnx` file: a graph with its inputs, outputs and metadata. */
export interface OnnxModel extends OnnxGraph {
  readonly inputs: readonly ValueInfo[];
  readonly outputs: readonly ValueInfo[];
  /** Name of an output that is a sequence of float32 tensors. It is the first output. */
  readonly sequenceOutput?: string;
  readonly description: string;
  readonly metadata: { readonly [key: string]: string };
}

/** ONNX element type numbers, for example for the `to` attribute of a Cast node. */
export const DataType = { FLOAT: 1, INT32: 6, INT64: 7, BOOL: 9 } as const;

/** ONNX attribute type numbers. */
const AttributeType = { FLOAT: 1, INT: 2, STRING: 3, FLOATS: 6, INTS: 7 } as const;

/** Version of the ONNX operator set that the nodes use. ONNX 1.13 introduced this version. */
const OPSET_VERSION = 18;
const IR_VERSION = 8;

type Writer = protobuf.Writer;
type WriteFields = (writer: Writer) => unknown;

/** Maximum size of a protobuf message in bytes. */
const MAX_MESSAGE_BYTES = 2 ** 31 - 1;

/**
 * Encodes an ONNX model as the bytes of an `.onnx` file, with the field numbers of `onnx.proto`.
 *
 * @throws A `memory` error if the constants exceed 2 GiB, the limit of the format.
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
    for (const initializer of model.initializers) {
      writeMessage(graph, 5, (w) => writeInitializer(w, initializer));
    }
    for (const input of model.inputs) writeMessage(graph, 11, (w) => writeValueInfo(w, input));
    const { sequenceOutput } = model;
    if (sequenceOutput !== undefined) writeMessage(graph, 12, (w) => writeSequenceInfo(w, sequenceOutput));
    for (const output of model.outputs) writeMessage(graph, 12, (w) => writeValueInfo(w, output));
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
  const [domain, opName] = splitOpType(node);
  for (const input of inputs) writeText(writer, 1, input);
  for (const output of outputs) writeText(writer, 2, output);
  writeText(writer, 3, `${opName}:${outputs[0]}`);
  writeText(writer, 4, opName);
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
  const writeType = (type: number) => writeNumber(writer, 20, type);
  if (typeof value === 'number') {
    writeNumber(writer, 3, value);
    writeType(AttributeType.INT);
  } else if (typeof value === 'string') {
    writeText(writer, 4, value);
    writeType(AttributeType.STRING);
  } else if ('float' in value) {
    writer.uint32(encodeTag(2, 5)).float(value.float);
    writeType(AttributeType.FLOAT);
  } else if ('floats' in value) {
    for (const entry of value.floats) writer.uint32(encodeTag(7, 5)).float(entry);
    writeType(AttributeType.FLOATS);
  } else {
    for (const entry of value) writeNumber(writer, 8, entry);
    writeType(AttributeType.INTS);
  }
}

function writeInitializer(writer: Writer, { name, shape, data }: Initializer): void {
  for (const size of shape) writeNumber(writer, 1, size);
  writeNumber(writer, 2, data instanceof Float32Array ? DataType.FLOAT : DataType.INT64);
  writeText(writer, 8, name);
  // The format is little-endian, and so is every machine that runs JavaScript.
  writer.uint32(encodeTag(9, 2)).bytes(new Uint8Array(data.buffer, data.byteOffset, data.byteLength));
}

function writeValueInfo(writer: Writer, { name, shape, description }: ValueInfo): void {
  writeText(writer, 1, name);
  writeMessage(writer, 2, (type) =>
    writeMessage(type, 1, (tensor) => {
      writeNumber(tensor, 1, DataType.FLOAT);
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

function writeSequenceInfo(writer: Writer, name: string): void {
  writeText(writer, 1, name);
  writeMessage(writer, 2, (type) =>
    writeMessage(type, 4, (sequence) =>
      writeMessage(sequence, 1, (element) =>
        writeMessage(element, 1, (tensor) => writeNumber(tensor, 1, DataType.FLOAT)),
      ),
    ),
  );
}

const encodeTag = (field: number, wireType: number) => (field << 3) | wireType;
const writeNumber = (writer: Writer, field: number, value: number) =>
  writer.uint32(encodeTag(field, 0)).int64(value);
const writeText = (writer: Writer, field: number, value: string) =>
  writer.uint32(encodeTag(field, 2)).string(value);
function writeMessage(writer: Writer, field: number, writeFields: WriteFields): void {
  writeFields(writer.uint32(encodeTag(field, 2)).fork());
  writer.ldelim();
}
