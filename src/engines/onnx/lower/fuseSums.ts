import type { OnnxGraph, OnnxNode } from '../../../formats/onnxModel.js';
import { BLOCKED_DOMAIN } from '../ops/context/layout.js';

const CONV = `${BLOCKED_DOMAIN}:Conv`;
/** Position of the operand of a blocked convolution that is added to its result. */
const ADDEND_INPUT = 3;
/** Operations with one data input that only move data or insert numbers. */
const MOVES: ReadonlySet<string> = new Set(['Reshape', 'Pad', 'Slice']);

/**
 * Fuses sums of images into the blocked convolutions that compute one of the addends. These are the sums of residual blocks, and in the
 * backward pass the sums of the gradients of the branches of a network. ONNX Runtime's blocked convolution can add an image to its result
 * and apply ReLU, which saves writing and reading the images.
 *
 * Three rewrites are applied, to graphs of any network:
 *
 * 1. `Add(move(a), move(b))` becomes `move(Add(a, b))` if the moves are equal, for example the zeros that the gradient of a stride inserts.
 * 2. `Add(Conv(...), b)` becomes `Conv(..., b)`.
 * 3. `Relu(Conv(...))` becomes a convolution with the activation ReLU.
 *
 * A result is fused only if nothing else reads it.
 *
 * @param isBlocked - Returns whether a value is an image in blocked layout. A sum of two such values is not broadcast.
 */
export function fuseSums(graph: OnnxGraph, isBlocked: (value: string) => boolean): OnnxGraph {
  const blockedSums = new Set<string>();
  const isBlockedImage = (value: string) => blockedSums.has(value) || isBlocked(value);
  const readCounts = countReads(graph.nodes);
  const isReadOnce = (value: string) => readCounts.get(value) === 1;
  /** Nodes of the new graph, keyed by their first output. A removed node is deleted. The order is the order of insertion. */
  const producers = new Map<string, OnnxNode>();
  const append = (node: OnnxNode) => void producers.set(node.outputs[0]!, node);

  /** Returns the nodes that move the data of a blocked image to `value`, first node first, and the blocked image. */
  const findMoves = (value: string): { readonly source: string; readonly moves: readonly OnnxNode[] } => {
    const moves: OnnxNode[] = [];
    let source = value;
    while (isReadOnce(source)) {
      const node = producers.get(source);
      if (!node || !MOVES.has(node.opType) || !insertsOnlyZeros(node, graph)) break;
      moves.unshift(node);
      source = node.inputs[0]!;
      if (isBlockedImage(source)) return { source, moves };
    }
    return { source: value, moves: [] };
  };

  const appendSum = (a: string, b: string, output: string): void => {
    const [first, second] = [findMoves(a), findMoves(b)];
    if (first.moves.length > 0 && haveEqualMoves(first.moves, second.moves)) {
      const movedSum = `${output} before moves`;
      appendSum(first.source, second.source, movedSum);
      blockedSums.add(movedSum);
      for (const { outputs } of second.moves) producers.delete(outputs[0]!);
      let input = movedSum;
      for (const [i, move] of first.moves.entries()) {
        producers.delete(move.outputs[0]!);
        const moved = i === first.moves.length - 1 ? output : move.outputs[0]!;
        append({ ...move, inputs: [input, ...move.inputs.slice(1)], outputs: [moved] });
        input = moved;
      }
      return;
    }
    const convs = [a, b].filter((value) => isReadOnce(value) && canAdd(producers.get(value)));
    const values = [...producers.keys()];
    // If both addends are convolutions, the later one adds the result of the earlier one.
    const fused = convs.reduce<string | undefined>(
      (last, value) => (last === undefined || values.indexOf(value) > values.indexOf(last) ? value : last),
      undefined,
    );
    if (fused === undefined || a === b) {
      append({ opType: 'Add', inputs: [a, b], outputs: [output], attributes: {} });
      return;
    }
    const conv = producers.get(fused)!;
    producers.delete(fused);
    const [x, filter, bias = ''] = conv.inputs;
    append({ ...conv, inputs: [x!, filter!, bias, fused === a ? b : a], outputs: [output] });
  };

  for (const node of graph.nodes) {
    const [a, b] = node.inputs;
    const [output] = node.outputs;
    if (node.opType === 'Add' && isBlockedImage(a!) && isBlockedImage(b!)) {
      appendSum(a!, b!, output!);
    } else if (node.opType === 'Relu' && isReadOnce(a!) && isPlainConv(producers.get(a!))) {
      const conv = producers.get(a!)!;
      producers.delete(a!);
      append({ ...conv, outputs: [output!], attributes: { ...conv.attributes, activation: 'Relu' } });
    } else {
      append(node);
    }
  }
  return { ...graph, nodes: [...producers.values()] };
}

function countReads(nodes: readonly OnnxNode[]): ReadonlyMap<string, number> {
  const counts = new Map<string, number>();
  for (const value of nodes.flatMap(({ inputs }) => inputs)) counts.set(value, (counts.get(value) ?? 0) + 1);
  return counts;
}

/** Returns whether a node is a blocked convolution without activation. */
const isPlainConv = (node: OnnxNode | undefined): boolean =>
  node?.opType === CONV && node.attributes.activation === undefined;

/** Returns whether a node is a blocked convolution that can add an image to its result. */
const canAdd = (node: OnnxNode | undefined): boolean =>
  isPlainConv(node) && node!.inputs.length <= ADDEND_INPUT;

/** Returns whether a node inserts no numbers other than zero, so that the sum of two results is the result of the sum. */
function insertsOnlyZeros({ opType, inputs }: OnnxNode, { initializers }: OnnxGraph): boolean {
  const value = inputs[2];
  if (opType !== 'Pad' || !value) return true;
  return initializers.find(({ name }) => name === value)?.data[0] === 0;
}

/** Returns whether two chains of nodes are equal, except for the data that they move. */
const haveEqualMoves = (first: readonly OnnxNode[], second: readonly OnnxNode[]): boolean =>
  first.length === second.length && first.every((move, i) => describeMove(move) === describeMove(second[i]!));

/** Equal constants of a graph have equal names, so nodes with equal descriptions do the same. */
const describeMove = ({ opType, inputs, attributes }: OnnxNode): string =>
  JSON.stringify([opType, inputs.slice(1), attributes]);
