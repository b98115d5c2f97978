import type { OnnxNode } from '../../../formats/onnxModel.js';

/** Operations that compute each element of their result from the elements at the same position, and never share memory with an input. */
const ELEMENTWISE_OPS: ReadonlySet<string> = new Set(['Add', 'Sub', 'Mul', 'Div', 'Sqrt']);

/**
 * Returns the outputs of a graph that can be written to the memory of a graph input. That is the case if the node that computes the output
 * is element-wise, and each node that reads the input is this node or runs before it.
 *
 * @param outputs - Names of outputs.
 * @param getReplacedInput - Returns the name of the graph input with the shape of an output whose memory the output could use, or undefined.
 */
export function findInPlaceOutputs(
  nodes: readonly OnnxNode[],
  outputs: readonly string[],
  getReplacedInput: (output: string) => string | undefined,
): ReadonlySet<string> {
  const producers = new Map<string, OnnxNode>();
  const readers = new Map<string, Set<OnnxNode>>();
  for (const node of nodes) {
    for (const name of node.outputs) producers.set(name, node);
    for (const name of node.inputs) readers.set(name, (readers.get(name) ?? new Set()).add(node));
  }
  const runsLast = (last: OnnxNode, others: ReadonlySet<OnnxNode>): boolean => {
    const laterNodes = new Set(others);
    // Nodes that are added to the set during the loop are visited as well.
    const earlierNodes = new Set([last]);
    for (const node of earlierNodes) {
      laterNodes.delete(node);
      if (laterNodes.size === 0) return true;
      for (const name of node.inputs) {
        const producer = producers.get(name);
        if (producer) earlierNodes.add(producer);
      }
    }
    return false;
  };
  return new Set(
    outputs.filter((output) => {
      const input = getReplacedInput(output);
      const last = producers.get(output);
      if (input === undefined || !last) return false;
      const inputReaders = readers.get(input) ?? new Set();
      const areElementwise = [last, ...inputReaders].every(({ opType }) => ELEMENTWISE_OPS.has(opType));
      return areElementwise && runsLast(last, inputReaders);
    }),
  );
}
