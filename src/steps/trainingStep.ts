import type { NamedTensorMap, Scalar, Tensor, Tensor1D } from '@tensorflow/tfjs';
import { createError } from '../core/errors/errors.js';
import type { ForwardContext, Weight } from '../layers/patched/forwardContext.js';
import { runGraph } from '../network/layerGraph.js';
import type { Network } from '../network/network.js';
import { clipGradients } from '../optimizers/clipGradients.js';
import type { Optimizer } from '../optimizers/optimizer.js';
import { tf } from '../tensor/tf.js';
import { withScope } from '../tensor/trace/tracer.js';
import { toMaskKey } from './dropoutMasks.js';
import { type BatchLosses, computeLosses, type TaskTargets } from './lossesAndMetrics.js';
import { computeRegularizationLoss } from './regularizationLoss.js';
import {
  getGroupShape,
  getTrainableWeights,
  joinGroup,
  splitGroup,
  type WeightGroup,
} from './trainableWeights.js';

/** Inputs of a training step. Together with the weights and the optimizer slots, they determine its results. */
export interface StepInputs {
  /**
   * Inputs of the graph, in order. Images are float32 tensors of shape `[batch, height, width, channels]`, scaled to the input range of the
   * network.
   */
  readonly inputs: readonly Tensor[];
  /** Labels, in the order of the tasks. */
  readonly targets: readonly TaskTargets[];
  /** Masks of zeros and ones, one for each call of a dropout layer. The keys are created by {@link toMaskKey}. */
  readonly masks: NamedTensorMap;
  /** Coefficients that the update rule of the optimizer needs in this step. The last one is the learning rate. */
  readonly coefficients: readonly Scalar[];
}

/** Kind of training step: `update` changes the weights, and `accumulate` only adds the gradients to the sum for a later update. */
export type StepKind = 'update' | 'accumulate';

/** Results of a training step, with the optimizer state of each group of weights. The caller must dispose of all tensors. */
export interface GroupedStepOutputs {
  /** New values of the trainable weights, in the order of {@link getTrainableWeights}. Empty if the step only accumulates gradients. */
  readonly weights: readonly Tensor[];
  /** New values of non-trainable weights, such as the moving statistics of batch normalization. */
  readonly nonTrainableUpdates: readonly (readonly [weight: Weight, value: Tensor])[];
  /** For each group, the new values of its optimizer slots, in the order of `getSlotNames`. */
  readonly groupSlots: readonly (readonly Tensor[])[];
  /** For each group, the gradient of the batch before clipping. */
  readonly gradients: readonly Tensor[];
  /** Sums from which the losses and metrics of the batch are computed, see {@link BatchLosses.sums}. */
  readonly sums: BatchLosses['sums'];
}

/** Results of a training step. The caller must dispose of all tensors. */
export interface StepOutputs extends Omit<GroupedStepOutputs, 'groupSlots' | 'gradients'> {
  /** New values of the optimizer slots, in the order of `getSlotNames`. */
  readonly slots: readonly Tensor1D[];
  /** Gradient of the batch before clipping, as one vector with an element for each trainable parameter. */
  readonly gradient: Tensor1D;
}

/**
 * Computes one training step as a pure function of tensors. The function receives the optimizer slots, a batch, dropout masks and
 * coefficients, and returns new weights, new slots, and the sums for losses and metrics. The function does not draw random numbers, read
 * tensors back or write variables, so the caller must assign the results. Therefore, a step can run on any backend, be compared with Keras,
 * be resumed bit for bit, and be traced.
 *
 * The step reads the current weights from the variables of the model. The update treats all weights as one vector, which takes a few large
 * operations instead of a dozen small operations per weight.
 */
export function computeTrainingStep(
  network: Network,
  optimizer: Optimizer,
  lossWeights: { readonly [task: string]: number },
  kind: StepKind,
  inputs: StepInputs,
  slots: readonly Tensor1D[],
): StepOutputs {
  return tf.tidy((): never => {
    const group = getTrainableWeights(network);
    const groupSlots = slots.map((slot) => tf.reshape(slot, [...getGroupShape(group)]));
    const step = computeGroupedStep(network, optimizer, lossWeights, kind, inputs, [group], [groupSlots]);
    const { groupSlots: newGroupSlots, gradients, ...outputs } = step;
    // A group with a single weight has the shape of that weight.
    const [gradient, ...newSlots] = [gradients[0]!, ...newGroupSlots[0]!].map((tensor) =>
      tf.reshape(tensor, [-1]),
    );
    const result = { ...outputs, slots: newSlots, gradient } as StepOutputs;
    return result as never; // tf.tidy() accepts this object, but its type does not allow readonly arrays
  });
}

/**
 * Computes one training step like {@link computeTrainingStep}, but updates each group of weights separately.
 *
 * @param groups - Each trainable weight is in one group. All tensors of a group have the shape that `getGroupShape` returns.
 * @param groupSlots - For each group, its optimizer slots in the order of `getSlotNames`.
 */
export function computeGroupedStep(
  network: Network,
  optimizer: Optimizer,
  lossWeights: { readonly [task: string]: number },
  kind: StepKind,
  inputs: StepInputs,
  groups: readonly WeightGroup[],
  groupSlots: readonly (readonly Tensor[])[],
): GroupedStepOutputs {
  const trained = getTrainableWeights(network);
  return tf.tidy((): never => {
    const { gradients, nonTrainableUpdates, sums } = computeGradients(network, lossWeights, trained, inputs);
    const gradientOf = new Map(trained.map((weight, i) => [weight, gradients[i]!]));
    const groupGradients = groups.map((group) => joinGroup(group.map((weight) => gradientOf.get(weight)!)));
    const outputs = withScope('optimizer', () => {
      const accumulated = groupGradients.map((gradient, i) =>
        optimizer.gradientAccumulationSteps > 1 ? tf.add(groupSlots[i]!.at(-1)!, gradient) : gradient,
      );
      if (kind === 'accumulate')
        return {
          weights: [],
          groupSlots: groupSlots.map((slots, i) => [...slots.slice(0, -1).map(tf.clone), accumulated[i]!]),
        };
      return computeUpdate(trained, optimizer, inputs.coefficients, groups, accumulated, groupSlots);
    });
    const step: GroupedStepOutputs = { ...outputs, nonTrainableUpdates, gradients: groupGradients, sums };
    return step as never; // tf.tidy() accepts this object, but its type does not allow readonly arrays
  });
}

/** Applies the optimizer. Returns new weights and slots, computed from the gradients that were accumulated since the last update. */
function computeUpdate(
  trained: readonly Weight[],
  optimizer: Optimizer,
  coefficients: readonly Scalar[],
  groups: readonly WeightGroup[],
  gradients: readonly Tensor[],
  groupSlots: readonly (readonly Tensor[])[],
): Pick<GroupedStepOutputs, 'weights' | 'groupSlots'> {
  const { rule, clipping, weightDecay, gradientAccumulationSteps: batches } = optimizer;
  const means = batches > 1 ? gradients.map((gradient) => tf.div(gradient, batches)) : gradients;
  const mapWeights = (tensor: Tensor, i: number, clip: (part: Tensor) => Tensor) =>
    joinGroup(splitGroup(tensor, groups[i]!).map(clip));
  const clipped = clipGradients(means, mapWeights, clipping);
  const values = new Map<Weight, Tensor>();
  const newSlots = groups.map((group, i) => {
    const weight = joinGroup(group.map((member) => member.read()));
    const value = applyWeightDecay(weight, coefficients.at(-1)!, weightDecay);
    const next = rule.apply(value, clipped[i]!, groupSlots[i]!.slice(0, rule.slots.length), coefficients);
    splitGroup(next.weight, group).forEach((tensor, j) => {
      values.set(group[j]!, applyConstraint(group[j]!, tensor));
    });
    return [...next.slots, ...(batches > 1 ? [tf.zerosLike(gradients[i]!)] : [])];
  });
  return { weights: trained.map((weight) => values.get(weight)!), groupSlots: newSlots };
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
        expected: 'a trainable weight that affects the loss of a task',
        received: 'a weight that no task uses',
        advice: 'Set trainable: false on the layer of this weight, or connect the layer to a task.',
      });
    }),
    // tf.keep() prevents the gradient function from disposing of these tensors. The outer tf.tidy() returns them to the caller.
    nonTrainableUpdates: [...updates],
    sums: sums!,
  };
}

function applyWeightDecay(weight: Tensor, rate: Tensor, weightDecay: number): Tensor {
  return weightDecay === 0 ? weight : tf.sub(weight, tf.mul(tf.mul(weight, rate), weightDecay));
}

/**
 * Applies the constraint of a weight, for example a maximum norm, to its new value. Returns the value unchanged if there is no constraint.
 */
function applyConstraint(weight: Weight, value: Tensor): Tensor {
  const { constraint } = weight as unknown as { constraint: { apply(value: Tensor): Tensor } | null };
  return constraint ? constraint.apply(value) : value;
}
