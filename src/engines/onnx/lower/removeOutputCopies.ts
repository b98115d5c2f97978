import type { OnnxGraph } from '../../../formats/onnxModel.js';

/**
 * Removes the Identity nodes that only give a graph output its name: the node that computes the value receives the name of the output
 * instead. Otherwise, ONNX Runtime copies the value in every run. A value that is a graph input, a constant or another graph output is
 * still copied.
 */
export function removeOutputCopies(
  { nodes, initializers }: OnnxGraph,
  outputs: readonly string[],
): OnnxGraph {
  const outputNames = new Set(outputs);
  const computedValues = new Set(nodes.flatMap((node) => node.outputs));
  const newNames = new Map<string, string>();
  const remaining = nodes.filter(({ opType, inputs: [value], outputs: [output] }) => {
    const isRemovable =
      opType === 'Identity' &&
      outputNames.has(output!) &&
      computedValues.has(value!) &&
      !outputNames.has(value!) &&
      !newNames.has(value!);
    if (isRemovable) newNames.set(value!, output!);
    return !isRemovable;
  });
  const rename = (value: string) => newNames.get(value) ?? value;
  return {
    nodes: remaining.map((node) => ({
      ...node,
      inputs: node.inputs.map(rename),
      outputs: node.outputs.map(rename),
    })),
    initializers,
  };
}
