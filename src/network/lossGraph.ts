import type { LogitActivation } from '../losses/loss.js';
import type { Tasks } from '../tasks/task.js';
import type { tf } from '../tensor/tf.js';
import {
  createGraphFromCalls,
  type GraphTensor,
  type LayerCall,
  type LayerGraph,
  type UnscheduledCall,
} from './layerGraph.js';

/**
 * Returns a graph for computing losses. If an output of `graph` ends with sigmoid or softmax, and the task's loss can be computed from the
 * logits (the inputs of that activation), the returned graph outputs the logits instead. For a confident but incorrect prediction, the
 * gradient of a cross-entropy with respect to the logits does not vanish, whereas the gradient through a saturated activation does. Keras
 * computes such losses from the logits for the same reason (Keras 3.15, backend/tensorflow/nn.py, `_get_logits`).
 *
 * @param graph - Graph with one output per task, in the order of `tasks`.
 */
export function createLossGraph(graph: LayerGraph, tasks: Tasks): LayerGraph {
  return Object.values(tasks).reduce<LayerGraph>((current, { loss }, i) => {
    const activation = loss.fromLogits?.activation;
    const isLeftOut = current.outputs[i]!.omittedActivation !== undefined;
    return activation !== undefined && !isLeftOut && getFinalActivation(current, i) === activation
      ? omitFinalActivation(current, i)
      : current;
  }, graph);
}

/** Returns the final activation of a graph output if that activation is sigmoid or softmax, otherwise undefined. */
export function getFinalActivation(graph: LayerGraph, outputIndex: number): LogitActivation | undefined {
  const layer = findCall(graph, graph.outputs[outputIndex]!.tensorId)?.layer;
  const kind = layer?.getClassName();
  if (kind === 'Softmax') return hasLastAxis(layer!) ? 'softmax' : undefined;
  if (kind !== 'Activation' && kind !== 'Dense') return undefined;
  const { activation } = layer!.getConfig() as { activation?: unknown };
  return activation === 'sigmoid' || activation === 'softmax' ? activation : undefined;
}

/** Returns a graph in which the logits replace an output whose final activation is sigmoid or softmax. The other outputs do not change. */
export function omitFinalActivation(graph: LayerGraph, outputIndex: number): LayerGraph {
  const output = graph.outputs[outputIndex]!;
  const omittedActivation = getFinalActivation(graph, outputIndex)!;
  const last = findCall(graph, output.tensorId)!;
  const isDense = last.layer.getClassName() === 'Dense';
  const isUsedElsewhere =
    graph.calls.some(({ inputs }) => inputs.includes(output.tensorId)) ||
    graph.outputs.some(({ tensorId }, i) => i !== outputIndex && tensorId === output.tensorId);
  const logitsId = isDense ? getUnusedTensorId(graph) : last.inputs[0]!;
  const calls: UnscheduledCall[] = graph.calls.flatMap((call) => [
    ...(call !== last || isUsedElsewhere ? [call] : []),
    ...(call === last && isDense ? [{ ...call, outputs: [logitsId], omitsActivation: true }] : []),
  ]);
  const outputs: GraphTensor[] = graph.outputs.map((original, i) =>
    i === outputIndex ? { ...original, tensorId: logitsId, omittedActivation } : original,
  );
  return createGraphFromCalls(graph.inputs, calls, outputs);
}

const findCall = (graph: LayerGraph, tensorId: number): LayerCall | undefined =>
  graph.calls.find(({ outputs }) => outputs.includes(tensorId));

/** Returns whether a Softmax layer normalizes over the last axis of `[batch, units]`, which is the axis of the units. */
function hasLastAxis(layer: tf.layers.Layer): boolean {
  const { axis = -1 } = layer.getConfig() as { axis?: number };
  return axis === -1 || axis === 1;
}

function getUnusedTensorId({ inputs, calls }: LayerGraph): number {
  return 1 + Math.max(...inputs.map(({ tensorId }) => tensorId), ...calls.flatMap(({ outputs }) => outputs));
}
