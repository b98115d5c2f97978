import type { Initializer, OnnxGraph, OnnxNode } from '../../src/formats/onnxModel.js';

const DOMAIN = 'com.microsoft.nchwc:';

/**
 * Replaces the operations on blocks of an ONNX graph by standard operations, so that a graph for a processor with another block size can be
 * run on this machine. ONNX Runtime itself supports only one block size per processor.
 */
export function expandBlocks(graph: OnnxGraph, block: number): OnnxGraph {
  const nodes: OnnxNode[] = [];
  const initializers: Initializer[] = [...graph.initializers];
  let count = 0;
  const add = (
    opType: string,
    inputs: readonly string[],
    attributes: OnnxNode['attributes'] = {},
    output = `expanded${count++}`,
  ): string => {
    nodes.push({ opType, inputs, outputs: [output], attributes });
    return output;
  };
  const addConstant = (data: Initializer['data'], shape: readonly number[]): string => {
    const name = `expanded${count++}`;
    initializers.push({ name, shape, data });
    return name;
  };
  const integers = (...values: number[]) => addConstant(BigInt64Array.from(values, BigInt), [values.length]);
  const shapeOf = (value: string) => add('Shape', [value]);
  const reshape = (value: string, ...shape: number[]) => add('Reshape', [value, integers(...shape)]);
  const transpose = (value: string, ...perm: number[]) => add('Transpose', [value], { perm });
  const pixelsOf = (value: string) =>
    add('ReduceProd', [add('Slice', [shapeOf(value), integers(2), integers(4)])], { keepdims: 1 });

  /** Converts blocked images to channels-first images. The declared shape of both is the same. */
  const toChannelsFirst = (value: string): string => {
    const shape = add('Concat', [integers(-1), pixelsOf(value), integers(block)], { axis: 0 });
    return add('Reshape', [transpose(add('Reshape', [value, shape]), 0, 2, 1), shapeOf(value)]);
  };
  const toBlocks = (value: string, output: string): string => {
    const shape = add('Concat', [integers(-1, block), pixelsOf(value)], { axis: 0 });
    return add('Reshape', [transpose(add('Reshape', [value, shape]), 0, 2, 1), shapeOf(value)], {}, output);
  };
  /** Returns the constant shape of a filter: a constant, or the result of a Reshape. */
  const findShape = (filter: string): readonly number[] => {
    const constant = graph.initializers.find(({ name }) => name === filter);
    if (constant) return constant.shape;
    const node = graph.nodes.find(({ outputs }) => outputs.includes(filter));
    const shape = graph.initializers.find(({ name }) => name === node?.inputs[1]);
    if (node?.opType !== 'Reshape' || !shape) throw new Error(`the shape of the filter ${filter} is unknown`);
    return Array.from(shape.data as BigInt64Array, Number);
  };
  const expandFilter = (filter: string, group: number): string => {
    const [filters, channels, height, width] = findShape(filter) as [number, number, number, number];
    const taps = height * width;
    const restore = (value: string) => reshape(value, filters, channels, height, width);
    if (group > 1) return restore(transpose(reshape(filter, filters / block, taps, block), 0, 2, 1));
    if (channels < block) {
      return restore(transpose(reshape(filter, filters / block, channels, taps, block), 0, 3, 1, 2));
    }
    const blocks = reshape(filter, filters / block, channels / block, taps, block, block);
    return restore(transpose(blocks, 0, 4, 1, 3, 2));
  };
  const activate = (value: string, { activation, activation_params }: OnnxNode['attributes']): string => {
    if (activation === undefined) return value;
    const { floats } = (activation_params ?? { floats: [] }) as { readonly floats: readonly number[] };
    if (activation !== 'HardSigmoid') return add(activation as string, [value]);
    return add('HardSigmoid', [value], { alpha: { float: floats[0]! }, beta: { float: floats[1]! } });
  };
  const expandConv = ({ inputs, outputs, attributes }: OnnxNode): void => {
    const [x, filter, bias, addend] = inputs;
    const { activation, activation_params, ...convAttributes } = attributes;
    const group = (attributes.group as number | undefined) ?? 1;
    const isChannelsFirst = group === 1 && findShape(filter!)[1]! < block;
    const image = isChannelsFirst ? x! : toChannelsFirst(x!);
    const operands = [image, expandFilter(filter!, group), ...(bias ? [bias] : [])];
    const y = add('Conv', operands, convAttributes);
    const sum = addend ? add('Add', [y, toChannelsFirst(addend)]) : y;
    toBlocks(activate(sum, attributes), outputs[0]!);
  };
  const expandReorderInput = ({ inputs, outputs, attributes }: OnnxNode): void => {
    const x = attributes.channels_last === 1 ? transpose(inputs[0]!, 0, 3, 1, 2) : inputs[0]!;
    const channels = add('Slice', [shapeOf(x), integers(1), integers(2)]);
    const rest = add('Mod', [channels, integers(block)]);
    const padding = add('Mod', [add('Sub', [integers(block), rest]), integers(block)]);
    const pads = add('Concat', [integers(0, 0, 0, 0, 0), padding, integers(0, 0)], { axis: 0 });
    toBlocks(add('Pad', [x, pads]), outputs[0]!);
  };
  const expandReorderOutput = ({ inputs, outputs, attributes }: OnnxNode): void => {
    const image = toChannelsFirst(inputs[0]!);
    const end = integers(attributes.channels as number);
    const operands = [image, integers(0), end, integers(1)];
    if (attributes.channels_last !== 1) add('Slice', operands, {}, outputs[0]!);
    else add('Transpose', [add('Slice', operands)], { perm: [0, 2, 3, 1] }, outputs[0]!);
  };

  for (const node of graph.nodes) {
    const name = node.opType.startsWith(DOMAIN) ? node.opType.slice(DOMAIN.length) : undefined;
    if (name === undefined) nodes.push(node);
    else if (name === 'Conv') expandConv(node);
    else if (name === 'ReorderInput') expandReorderInput(node);
    else if (name === 'ReorderOutput') expandReorderOutput(node);
    else toBlocks(add(name, [toChannelsFirst(node.inputs[0]!)], node.attributes), node.outputs[0]!);
  }
  return { nodes, initializers };
}
