import type { NamedTensorMap, Scalar, Tensor, Tensor1D } from '@tensorflow/tfjs';
import { createError } from '../core/errors/errors.js';
import type { ForwardContext, Weight } from '../layers/own/forwardContext.js';
import { runGraph } from '../network/layerGraph.js';
import type { Network } from '../network/network.js';
import { clipGradient } from '../optimizers/clipGradient.js';
import type { Optimizer } from '../optimizers/optimizer.js';
import { tf } from '../tensor/tf.js';
import { withScope } from '../tensor/trace/tracer.js';
import { toMaskKey } from './dropoutMasks.js';
import { computeLosses, type TaskTargets } from './lossesAndMetrics.js';
import { computeRegularizationLoss } from './regularizationLoss.js';
import { flattenTensors, getTrainableWeights, splitByWeight } from './trainableWeights.js';

/** Everything a step reads beside the weights and slots. Nothing else may change its result. */
export interface StepInputs {
  /** In the order of the graph's inputs: images `[batch, height, width, channels]`, float32, in the network's range. */
  readonly inputs: readonly Tensor[];
  /** In the order of the tasks. */
  readonly targets: readonly TaskTargets[];
  /** One 0/1 mask for each call of a dropout layer, by {@link toMaskKey}. */
  readonly masks: NamedTensorMap;
  /** The optimiser's coefficients for this update, then the rate itself. */
  readonly coefficients: readonly Scalar[];
}

/** Whether a step updates the weights, or only adds its gradients up for a later one to use. */
export type StepKind = 'update' | 'accumulate';

/** What a step returns. The caller owns every tensor. */
export interface StepOutputs {
  /** New values of the trained weights, in the order of {@link getTrainableWeights}; none when accumulating. */
  readonly weights: readonly Tensor[];
  /** New values of weights that are not trained (moving statistics). */
  readonly nonTrainableUpdates: readonly (readonly [weight: Weight, value: Tensor])[];
  /** In the order of {@link getSlotNames}. */
  readonly slots: readonly Tensor1D[];
  /** Of the batch, before clipping: all trained weights end to end. */
  readonly gradient: Tensor1D;
  /** See `Judged.sums`. */
  readonly sums: Tensor1D;
}

/**
 * One training step as one function of tensors: weights, slots, batch, masks and coefficients in; new weights, new
 * slots and the batch's sums out. No number is drawn inside, no tensor read back, nothing written: the caller assigns
 * the results. So the same step can be run on any backend, checked against Keras, resumed to the bit, and recorded.
 *
 * The weights are the model's variables, read at the start. An update works on all of them end to end, a few large
 * operations instead of a dozen small ones a weight.
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
      const grown = optimizer.gradientAccumulationSteps > 1 ? tf.add(slots.at(-1)!, gradient) : gradient;
      if (kind === 'accumulate') return { weights: [], slots: [...slots.slice(0, -1).map(tf.clone), grown] };
      return computeUpdate(trained, optimizer, inputs.coefficients, grown as Tensor1D, slots);
    });
    const step = { ...outputs, nonTrainableUpdates, gradient, sums } as StepOutputs;
    return step as never; // tidy returns the tensors in it, but its type does not allow readonly arrays
  });
}

/** New weights and slots from the sum of the gradients of one update. */
function computeUpdate(
  trained: readonly Weight[],
  optimizer: Optimizer,
  coefficients: readonly Scalar[],
  gradients: Tensor1D,
  slots: readonly Tensor1D[],
): Pick<StepOutputs, 'weights' | 'slots'> {
  const { rule, clipping, weightDecay, gradientAccumulationSteps: batches } = optimizer;
  const mean = batches > 1 ? (tf.div(gradients, batches) as Tensor1D) : gradients;
  const cut = clipGradient(mean, (flat) => splitByWeight(flat, trained), clipping);
  const value = applyWeightDecay(
    flattenTensors(trained.map((weight) => weight.read())),
    coefficients.at(-1)!,
    weightDecay,
  );
  const next = rule.apply(value, cut, slots.slice(0, rule.slots.length), coefficients);
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
  { inputs: given, targets, masks }: StepInputs,
) {
  const updates = new Map<Weight, Tensor>();
  const asked = new Map<string, number>();
  const forwardContext: ForwardContext = {
    getMask: (layer: string) => {
      const before = asked.get(layer) ?? 0;
      asked.set(layer, before + 1);
      return masks[toMaskKey(layer, before)]!;
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
      const predictions = runGraph(network.graph, given, { training: true, forwardContext });
      const judged = computeLosses(
        network,
        lossWeights,
        predictions,
        targets,
        computeRegularizationLoss(network),
      );
      sums = tf.keep(judged.sums);
      return tf.reshape(judged.total, []);
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
        received: 'one that no task uses',
        advice: 'Set trainable to false on its layer, or connect it to a task.',
      });
    }),
    // Kept for the tape's own scopes; the outer tidy hands them to the caller.
    nonTrainableUpdates: [...updates],
    sums: sums!,
  };
}

function applyWeightDecay(weight: Tensor, rate: Tensor, weightDecay: number): Tensor {
  return weightDecay === 0 ? weight : tf.sub(weight, tf.mul(tf.mul(weight, rate), weightDecay));
}

/** A layer's constraint (a maximal norm, say) is part of the update, and so of the step. */
function applyConstraint(weight: Weight, value: Tensor): Tensor {
  const { constraint } = weight as unknown as { constraint: { apply(value: Tensor): Tensor } | null };
  return constraint ? constraint.apply(value) : value;
}
