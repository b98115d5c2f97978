import type { NamedTensorMap, Scalar, Tensor, Tensor1D, Tensor4D } from '@tensorflow/tfjs';
import { fault } from '../core/errors.js';
import type { Weight } from '../layers/own/forward.js';
import { runGraph } from '../models/graph.js';
import type { Network } from '../models/network.js';
import { clip } from '../optimizers/clip.js';
import type { Optimizer } from '../optimizers/optimizer.js';
import { tf } from '../tensor/tf.js';
import { judge, type TaskTargets } from './tally.js';

/** Everything a step reads beside the weights and slots. Nothing else may change its result. */
export interface StepInputs {
  /** `[batch, height, width, channels]`, float32, in the network's range. */
  readonly images: Tensor4D;
  /** In the order of the tasks. */
  readonly targets: readonly TaskTargets[];
  /** One 0/1 mask for each dropout layer, by layer name. */
  readonly masks: NamedTensorMap;
  /** The optimiser's coefficients for this update, then the rate itself. */
  readonly coefficients: readonly Scalar[];
}

/** Whether a step updates the weights, or only adds its gradients up for a later one to use. */
export type StepKind = 'update' | 'accumulate';

/** What a step returns. The caller owns every tensor. */
export interface StepOutputs {
  /** New values of the trained weights, in the order of {@link trainedWeights}; none when accumulating. */
  readonly weights: readonly Tensor[];
  /** New values of weights that are not trained (moving statistics). */
  readonly moved: readonly (readonly [weight: Weight, value: Tensor])[];
  /** For each trained weight its slots; the sum of gradients last when the optimiser accumulates. */
  readonly slots: readonly (readonly Tensor[])[];
  /** See `Judged.sums`. */
  readonly sums: Tensor1D;
}

/** The weights that training changes, in the model's order. Frozen layers have none. */
export function trainedWeights(network: Network): Weight[] {
  return network.layersModel.layers.flatMap((layer) => (layer.trainable ? layer.trainableWeights : []));
}

/** Σ of the L2 and L1 penalties of the layers that are trained: a frozen layer pays none, as in Keras. */
export function penaltyOf(network: Network): Tensor {
  const penalties = network.layersModel.layers.flatMap((layer) =>
    layer.trainable ? layer.calculateLosses() : [],
  );
  return penalties.length === 0 ? tf.scalar(0) : tf.addN(penalties);
}

/** Slots as they stand before the first step: zeros. */
export function freshSlots(network: Network, { rule, gradientAccumulationSteps }: Optimizer): Tensor[][] {
  const perWeight = rule.slots.length + (gradientAccumulationSteps > 1 ? 1 : 0);
  return trainedWeights(network).map((weight) =>
    Array.from({ length: perWeight }, () => tf.keep(tf.zeros(weight.shape as number[]))),
  );
}

/**
 * One training step as one function of tensors: weights, slots, batch, masks and coefficients in; new weights, new
 * slots and the batch's sums out. No number is drawn inside, no tensor read back, nothing written: the caller assigns
 * the results. So the same step can be run on any backend, checked against Keras, resumed to the bit, and recorded.
 *
 * The weights are the model's variables, read at the start.
 */
export function trainingStep(
  network: Network,
  optimizer: Optimizer,
  lossWeights: { readonly [task: string]: number },
  kind: StepKind,
  inputs: StepInputs,
  slots: readonly (readonly Tensor[])[],
): StepOutputs {
  const trained = trainedWeights(network);
  return tf.tidy((): never => {
    const { gradients, moved, sums } = differentiate(network, lossWeights, trained, inputs);
    if (kind === 'accumulate') {
      const grown = slots.map((own, i) => [...own.slice(0, -1), tf.add(own.at(-1)!, gradients[i]!)]);
      return { weights: [], moved, slots: grown, sums } as never;
    }
    const accumulates = optimizer.gradientAccumulationSteps > 1;
    const mean = accumulates
      ? gradients.map((gradient, i) =>
          tf.div(tf.add(slots[i]!.at(-1)!, gradient), optimizer.gradientAccumulationSteps),
        )
      : gradients;
    const rate = inputs.coefficients.at(-1)!;
    const updated = clip(mean, optimizer.clipping).map((gradient, i) => {
      const value = decayed(trained[i]!.read(), rate, optimizer.weightDecay);
      const next = optimizer.rule.apply(value, gradient, slots[i]!, inputs.coefficients);
      return {
        weight: constrained(trained[i]!, next.weight),
        slots: accumulates ? [...next.slots, tf.zerosLike(value)] : next.slots,
      };
    });
    return {
      weights: updated.map(({ weight }) => weight),
      moved,
      slots: updated.map((next) => next.slots),
      sums,
    } as never; // a container of tensors, which tidy hands out; its type has no room for readonly arrays
  });
}

function differentiate(
  network: Network,
  lossWeights: { readonly [task: string]: number },
  trained: readonly Weight[],
  { images, targets, masks }: StepInputs,
) {
  const moved = new Map<Weight, Tensor>();
  const forward = {
    mask: (layer: string) => masks[layer]!,
    current: (weight: Weight) => moved.get(weight) ?? weight.read(),
    moved: (weight: Weight, value: Tensor) => {
      moved.get(weight)?.dispose();
      moved.set(weight, tf.keep(value));
    },
  };
  let sums: Tensor1D | undefined;
  const { grads } = tf.variableGrads(
    () => {
      const predictions = runGraph(network.graph, images, { training: true, forward });
      const judged = judge(network, lossWeights, predictions, targets, penaltyOf(network));
      sums = tf.keep(judged.sums);
      return tf.reshape(judged.total, []);
    },
    trained.map((weight) => weight.read() as tf.Variable),
  );
  return {
    gradients: trained.map((weight) => {
      const gradient = grads[(weight.read() as tf.Variable).name];
      if (gradient) return gradient;
      throw fault({
        kind: 'argument',
        path: weight.name,
        expected: 'a weight that the losses depend on',
        received: 'one that no task uses',
        advice: 'Set trainable to false on its layer, or connect it to a task.',
      });
    }),
    // Kept for the tape's own scopes; the outer tidy hands them to the caller.
    moved: [...moved],
    sums: sums!,
  };
}

function decayed(weight: Tensor, rate: Tensor, weightDecay: number): Tensor {
  return weightDecay === 0 ? weight : tf.sub(weight, tf.mul(tf.mul(weight, rate), weightDecay));
}

/** A layer's constraint (a maximal norm, say) is part of the update, and so of the step. */
function constrained(weight: Weight, value: Tensor): Tensor {
  const { constraint } = weight as unknown as { constraint: { apply(value: Tensor): Tensor } | null };
  return constraint ? constraint.apply(value) : value;
}
