import type { OnnxNode } from '../../../../formats/onnxModel.js';
import type { KernelCall } from '../../../../tensor/trace/tracer.js';
import type { Layout } from './layout.js';

/**
 * Object through which a lowering reads the inputs of its kernel call and adds nodes to the ONNX graph. Strings identify values of the
 * graph by name. Images are channels-last unless a method has a layout parameter.
 *
 * A lowering may transpose an image to channels-first and its result back to channels-last. If the next lowering needs the result in the
 * channels-first layout, that lowering gets the value before the transpose, and the unused transpose is removed.
 */
export interface LoweringContext {
  /** The TensorFlow.js kernel call to lower: kernel name, inputs, attributes and outputs. */
  readonly call: KernelCall;
  /** Channels per block in the `blocked` layout. Undefined if the graph must not use that layout. */
  readonly channelBlock: number | undefined;
  /**
   * Returns the size of the first axis of the kernel input `name`, which is the number of images if the input is an image. Returns undefined
   * if this size is variable in the graph.
   */
  countExamples(name: string): number | undefined;
  /** Returns the kernel input `name`, which is an image, in a memory layout. */
  getImage(name: string, layout: Layout): string;
  /** Returns the kernel input `name`, which is an image, if it is available in a memory layout without conversion, otherwise undefined. */
  findImage(name: string, layout: Layout): string | undefined;
  /** Records the memory layout of the image `value`. Returns `value`. */
  markLayout(value: string, layout: Layout): string;
  /** Returns the kernel input `name`. */
  getInput(name: string): string;
  /** Returns the kernel input `name`, or undefined if the kernel was called without it. */
  getOptionalInput(name: string): string | undefined;
  /**
   * Returns the kernel input `name`, transposed. `order` lists the old axes in their new order. A constant is transposed at compile time.
   */
  transposeInput(name: string, order: readonly number[]): string;
  /** Returns the kernel attribute `name`. */
  getAttribute<V>(name: string): V;
  /** Appends an ONNX node with one output, and returns the name of the output. */
  addNode(opType: string, inputs: readonly string[], attributes?: OnnxNode['attributes']): string;
  /** Appends an ONNX node with `outputCount` outputs, and returns the names of the outputs. */
  addMultiOutputNode(
    opType: string,
    inputs: readonly string[],
    attributes: OnnxNode['attributes'],
    outputCount: number,
  ): readonly string[];
  /** Adds a float32 constant and returns its name. Default shape: scalar. */
  addFloats(values: readonly number[], shape?: readonly number[]): string;
  /** Adds a one-dimensional int64 constant and returns its name. */
  addIntegers(values: readonly number[]): string;
  /**
   * Adds the shape of the kernel's first output as a constant for Reshape, and returns its name. Reshape infers a size that depends on the
   * batch size.
   */
  addOutputShape(): string;
}

/**
 * Function that lowers one TensorFlow.js kernel call: it appends ONNX nodes that compute the same result, and returns the names of the
 * kernel's outputs.
 */
export type OpLowering = (context: LoweringContext) => string | readonly string[];

/** Lowerings, keyed by the name of the TensorFlow.js kernel. */
export interface OpTable {
  readonly [kernel: string]: OpLowering | undefined;
}

/** Function that returns an attribute of a kernel call by name, like {@link LoweringContext.getAttribute}. */
export type AttributeGetter = <V>(name: string) => V;
