import type { OnnxGraph, OnnxNode } from '../../../formats/onnxModel.js';

/** Returns an ONNX graph without the nodes and constants that none of `outputs` depends on. */
export function pruneGraph({ nodes, initializers }: OnnxGraph, outputs: readonly string[]): OnnxGraph {
  const neededValues = new Set(outputs);
  const neededNodes: OnnxNode[] = [];
  for (const node of [...nodes].reverse()) {
    if (!node.outputs.some((output) => neededValues.has(output))) continue;
    for (const input of node.inputs) neededValues.add(input);
    neededNodes.push(node);
  }
  return {
    nodes: neededNodes.reverse(),
    initializers: initializers.filter(({ name }) => neededValues.has(name)),
  };
}
