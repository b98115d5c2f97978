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
 * Returns a graph for computing losses. An output of `graph` that ends with sigmoid or softmax is replaced by its logits, the input of that
 * activation, if the task's loss can be computed from them. The gradient of a cross-entropy with respect to the logits does not vanish for
 * a prediction that is confident and incorrect, as it does behind a saturated activation. Keras computes such losses from the logits for
 * the same reason (Keras 3.15, backend/tensorflow/nn.py, `_get_logits`).
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

/** Returns the activation that computes an output of a graph if it is sigmoid or softmax, or undefined for any other output. */
export function getFinalActivation(graph: LayerGraph, outputIndex: number): LogitActivation | undefined {
  const layer = findCall(graph, graph.outputs[outputIndex]!.tensorId)?.layer;
  const kind = layer?.getClassName();
  if (kind === 'Softmax') return hasLastAxis(layer!) ? 'softmax' : undefined;
  if (kind !== 'Activation' && kind !== 'Dense') return undefined;
  const { activation } = layer!.getConfig() as { activation?: unknown };
  return activation === 'sigmoid' || activation === 'softmax' ? activation : undefined;
}

/** Replaces an output whose final activation is sigmoid or softmax by the logits. The other outputs do not change. */
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

/** Whether a Softmax layer normalizes over the last axis of `[batch, units]`, which is the axis of the units. */
function hasLastAxis(layer: tf.layers.Layer): boolean {
  const { axis = -1 } = layer.getConfig() as { axis?: number };
  return axis === -1 || axis === 1;
}

function getUnusedTensorId({ inputs, calls }: LayerGraph): number {
  return 1 + Math.max(...inputs.map(({ tensorId }) => tensorId), ...calls.flatMap(({ outputs }) => outputs));
}
