import type { OnnxNode } from '../../../../formats/onnxModel.js';
import type { KernelCall } from '../../../../tensor/trace/tracer.js';
import type { Layout } from './layout.js';

/**
 * The interface between a lowering and the graph that is being built. Values are identified by their names in the graph. Images are
 * channels-last unless a method has a layout parameter.
 *
 * A lowering may transpose an image to channels-first and its result back to channels-last: the compiler reuses the channels-first value
 * and removes transposes that become unused.
 */
export interface LoweringContext {
  /** The kernel call to lower: kernel name, inputs, attributes and outputs. */
  readonly call: KernelCall;
  /** Channels per block of the `blocked` layout. Undefined if the graph must not use that layout. */
  readonly channelBlock: number | undefined;
  /** Returns the image input `name`, converted to `layout`. */
  getImage(name: string, layout: Layout): string;
  /** Records that the image `value` is in `layout`, and returns `value`. */
  markLayout(value: string, layout: Layout): string;
  /** Returns the value of input `name` in the shape that the kernel received. */
  getInput(name: string): string;
  /** Returns the value of input `name`, or undefined if the kernel was called without it. */
  getOptionalInput(name: string): string | undefined;
  /** Returns input `name` with its axes in `order`. A constant is transposed at compile time. */
  transposeInput(name: string, order: readonly number[]): string;
  /** Returns the kernel attribute `name`. */
  getAttribute<V>(name: string): V;
  /** Appends a node with one output, and returns the output. */
  addNode(opType: string, inputs: readonly string[], attributes?: OnnxNode['attributes']): string;
  /** Appends a node with `outputCount` outputs, and returns the outputs. */
  addMultiOutputNode(
    opType: string,
    inputs: readonly string[],
    attributes: OnnxNode['attributes'],
    outputCount: number,
  ): readonly string[];
  /** Adds a float32 constant. Default shape: scalar. */
  addFloats(values: readonly number[], shape?: readonly number[]): string;
  /** Adds a one-dimensional int64 constant. */
  addIntegers(values: readonly number[]): string;
  /** Adds the shape of the kernel's first output as an operand of Reshape; a size that depends on the batch is inferred. */
  addOutputShape(): string;
}

/** A function that appends the ONNX nodes of one kernel call, and returns the kernel's outputs: one value, or a list. */
export type OpLowering = (context: LoweringContext) => string | readonly string[];

/** Lowerings, keyed by TensorFlow.js kernel name. */
export interface OpTable {
  readonly [kernel: string]: OpLowering | undefined;
}

/** A function that returns a kernel attribute by name; see {@link LoweringContext.getAttribute}. */
export type AttributeGetter = <V>(name: string) => V;
