import type { NamedTensorMap, Scalar, Tensor, Tensor1D } from '@tensorflow/tfjs';
import { createError } from '../core/errors/errors.js';
import type { ForwardContext, Weight } from '../layers/patched/forwardContext.js';
import { runGraph } from '../network/layerGraph.js';
import type { Network } from '../network/network.js';
import { clipGradient } from '../optimizers/clipGradient.js';
import type { Optimizer } from '../optimizers/optimizer.js';
import { tf } from '../tensor/tf.js';
import { withScope } from '../tensor/trace/tracer.js';
import { toMaskKey } from './dropoutMasks.js';
import { type BatchLosses, computeLosses, type TaskTargets } from './lossesAndMetrics.js';
import { computeRegularizationLoss } from './regularizationLoss.js';
import { flattenTensors, getTrainableWeights, splitByWeight } from './trainableWeights.js';

/** Inputs of a step, in addition to the weights and slots. The results of a step depend only on these. */
export interface StepInputs {
  /** Inputs of the graph, in order. Images are float32 in the network's range, shape `[batch, height, width, channels]`. */
  readonly inputs: readonly Tensor[];
  /** Targets, in the order of the tasks. */
  readonly targets: readonly TaskTargets[];
  /** A 0/1 mask for each call of a dropout layer. The keys are those that {@link toMaskKey} returns. */
  readonly masks: NamedTensorMap;
  /** Coefficients of the optimizer for this update. The last one is the learning rate. */
  readonly coefficients: readonly Scalar[];
}

/** Kind of a step: `update` changes the weights, `accumulate` only adds the gradients to the sum for a later update. */
export type StepKind = 'update' | 'accumulate';

/** Results of a step. The caller owns every tensor. */
export interface StepOutputs {
  /** New values of the trainable weights, in the order of {@link getTrainableWeights}. Empty for an accumulating step. */
  readonly weights: readonly Tensor[];
  /** New values of non-trainable weights: moving statistics. */
  readonly nonTrainableUpdates: readonly (readonly [weight: Weight, value: Tensor])[];
  /** New values of the slots, in the order of `getSlotNames`. */
  readonly slots: readonly Tensor1D[];
  /** Gradient of the batch before clipping, as one vector over all trainable weights. */
  readonly gradient: Tensor1D;
  /** Sums of the batch, see {@link BatchLosses.sums}. */
  readonly sums: BatchLosses['sums'];
}

/**
 * Computes one training step. It is a pure function of tensors: it receives slots, a batch, masks and coefficients, and returns new
 * weights, new slots and the sums of the batch. It does not draw random numbers, read tensors back or write variables; the caller assigns
 * the results. Therefore a step can run on any backend, be compared with Keras, be resumed bit for bit, and be traced.
 *
 * The current weights are read from the variables of the model at the beginning. An update works on one vector of all weights, which takes
 * a few large operations instead of a dozen small operations for each weight.
 */
export function computeTrainingStep(
  network: Network,
  optimizer: Optimizer,
  lossWeights: { readonly [task: string]: number },
  kind: StepKind,
  inputs: StepInputs,
  slots: readonly Tensor1D[],
): StepOutputs {
  const trained = getTrainableWeights(network);
  return tf.tidy((): never => {
    const { gradients, nonTrainableUpdates, sums } = computeGradients(network, lossWeights, trained, inputs);
    const gradient = flattenTensors(gradients);
    const outputs = withScope('optimizer', () => {
      const accumulated =
        optimizer.gradientAccumulationSteps > 1 ? tf.add(slots.at(-1)!, gradient) : gradient;
      if (kind === 'accumulate')
        return { weights: [], slots: [...slots.slice(0, -1).map(tf.clone), accumulated] };
      return computeUpdate(trained, optimizer, inputs.coefficients, accumulated as Tensor1D, slots);
    });
    const step = { ...outputs, nonTrainableUpdates, gradient, sums } as StepOutputs;
    return step as never; // tf.tidy() accepts this object, but its type does not allow readonly arrays
  });
}

/** Computes the new weights and slots from the accumulated gradients of one update. */
function computeUpdate(
  trained: readonly Weight[],
  optimizer: Optimizer,
  coefficients: readonly Scalar[],
  gradients: Tensor1D,
  slots: readonly Tensor1D[],
): Pick<StepOutputs, 'weights' | 'slots'> {
  const { rule, clipping, weightDecay, gradientAccumulationSteps: batches } = optimizer;
  const mean = batches > 1 ? (tf.div(gradients, batches) as Tensor1D) : gradients;
  const clipped = clipGradient(mean, (flat) => splitByWeight(flat, trained), clipping);
  const value = applyWeightDecay(
    flattenTensors(trained.map((weight) => weight.read())),
    coefficients.at(-1)!,
    weightDecay,
  );
  const next = rule.apply(value, clipped, slots.slice(0, rule.slots.length), coefficients);
  return {
    weights: splitByWeight(next.weight as Tensor1D, trained).map((tensor, i) =>
      applyConstraint(trained[i]!, tensor),
    ),
    slots: [...next.slots, ...(batches > 1 ? [tf.zerosLike(gradients)] : [])] as Tensor1D[],
  };
}

function computeGradients(
  network: Network,
  lossWeights: { readonly [task: string]: number },
  trained: readonly Weight[],
  { inputs, targets, masks }: StepInputs,
) {
  const updates = new Map<Weight, Tensor>();
  const callCounts = new Map<string, number>();
  const forwardContext: ForwardContext = {
    getMask: (layer: string) => {
      const callIndex = callCounts.get(layer) ?? 0;
      callCounts.set(layer, callIndex + 1);
      return masks[toMaskKey(layer, callIndex)]!;
    },
    readWeight: (weight: Weight) => updates.get(weight) ?? weight.read(),
    updateWeight: (weight: Weight, value: Tensor) => {
      updates.get(weight)?.dispose();
      updates.set(weight, tf.keep(value));
    },
  };
  let sums: Tensor1D | undefined;
  const { grads } = tf.variableGrads(
    () => {
      const predictions = runGraph(network.lossGraph, inputs, { training: true, forwardContext });
      const losses = computeLosses(
        network,
        network.lossGraph,
        lossWeights,
        predictions,
        targets,
        computeRegularizationLoss(network),
      );
      sums = tf.keep(losses.sums);
      return tf.reshape(losses.total, []);
    },
    trained.map((weight) => weight.read() as tf.Variable),
  );
  return {
    gradients: trained.map((weight) => {
      const gradient = grads[(weight.read() as tf.Variable).name];
      if (gradient) return gradient;
      throw createError({
        kind: 'argument',
        path: weight.name,
        expected: 'a weight that the losses depend on',
        received: 'a weight that no task uses',
        advice: 'Set trainable: false on its layer, or connect the layer to a task.',
      });
    }),
    // tf.keep() protects these tensors from the scopes of the gradient tape. The outer tf.tidy() returns them to the caller.
    nonTrainableUpdates: [...updates],
    sums: sums!,
  };
}

function applyWeightDecay(weight: Tensor, rate: Tensor, weightDecay: number): Tensor {
  return weightDecay === 0 ? weight : tf.sub(weight, tf.mul(tf.mul(weight, rate), weightDecay));
}

/** Applies the constraint of a weight, such as a maximum norm, to its new value. */
function applyConstraint(weight: Weight, value: Tensor): Tensor {
  const { constraint } = weight as unknown as { constraint: { apply(value: Tensor): Tensor } | null };
  return constraint ? constraint.apply(value) : value;
}
