import type { OnnxGraph, OnnxNode } from '../../../formats/onnxModel.js';

/**
 * Merges nodes that compute the same: nodes with the same operation, inputs and attributes. ONNX Runtime merges only nodes of standard
 * operations. Such nodes exist because a lowering does not know which nodes the other lowerings have added, for example because a
 * convolution and its gradient convert the same image.
 */
export function mergeEqualNodes({ nodes, initializers }: OnnxGraph): OnnxGraph {
  const firstNodes = new Map<string, OnnxNode>();
  const renamed = new Map<string, string>();
  const merged: OnnxNode[] = [];
  for (const node of nodes) {
    const inputs = node.inputs.map((input) => renamed.get(input) ?? input);
    const key = JSON.stringify([node.opType, inputs, node.attributes, node.outputs.length]);
    const first = node.opType === 'Identity' ? undefined : firstNodes.get(key); // An Identity node gives a graph output its name.
    if (first) {
      for (const [i, output] of node.outputs.entries()) renamed.set(output, first.outputs[i]!);
    } else {
      firstNodes.set(key, node);
      merged.push({ ...node, inputs });
    }
  }
  return { nodes: merged, initializers };
}
