import type { NamedTensorMap, Scalar, Tensor, Tensor1D } from '@tensorflow/tfjs';
import { fault } from '../core/errors.js';
import type { Forward, Weight } from '../layers/own/forward.js';
import { runGraph } from '../models/graph.js';
import type { Network } from '../models/network.js';
import { clip } from '../optimizers/clip.js';
import type { Optimizer } from '../optimizers/optimizer.js';
import { within } from '../tensor/recorder.js';
import { tf } from '../tensor/tf.js';
import { maskCall } from './batch.js';
import { judge, type TaskTargets } from './tally.js';

/** Everything a step reads beside the weights and slots. Nothing else may change its result. */
export interface StepInputs {
  /** In the order of the graph's inputs: images `[batch, height, width, channels]`, float32, in the network's range. */
  readonly given: readonly Tensor[];
  /** In the order of the tasks. */
  readonly targets: readonly TaskTargets[];
  /** One 0/1 mask for each call of a dropout layer, by {@link maskCall}. */
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
  /** In the order of {@link slotNames}. */
  readonly slots: readonly Tensor1D[];
  /** Of the batch, before clipping: all trained weights end to end. */
  readonly gradient: Tensor1D;
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

/** The slot that gradients are added up in until there are enough for an update. */
export const GRADIENT_SUM = 'gradient_sum';

/** What an optimiser keeps between steps, each one vector over all trained weights end to end. */
export function slotNames({ rule, gradientAccumulationSteps }: Optimizer): readonly string[] {
  return gradientAccumulationSteps > 1 ? [...rule.slots, GRADIENT_SUM] : rule.slots;
}

/** How many numbers the trained weights have in all: the length of every slot. */
export function trainedSize(network: Network): number {
  return sizesOf(trainedWeights(network)).reduce((sum, size) => sum + size, 0);
}

/** Slots as they stand before the first step: zeros. The caller owns them. */
export function freshSlots(network: Network, optimizer: Optimizer): Tensor1D[] {
  return slotNames(optimizer).map(() => tf.zeros([trainedSize(network)]));
}

/** A vector over all trained weights end to end, as one tensor a weight. */
export function split(flat: Tensor1D, weights: readonly Weight[]): Tensor[] {
  return tf.tidy(() =>
    tf.split(flat, sizesOf(weights)).map((part, i) => tf.reshape(part, weights[i]!.shape as number[])),
  );
}

/**
 * One training step as one function of tensors: weights, slots, batch, masks and coefficients in; new weights, new
 * slots and the batch's sums out. No number is drawn inside, no tensor read back, nothing written: the caller assigns
 * the results. So the same step can be run on any backend, checked against Keras, resumed to the bit, and recorded.
 *
 * The weights are the model's variables, read at the start. An update works on all of them end to end, a few large
 * operations instead of a dozen small ones a weight.
 */
export function trainingStep(
  network: Network,
  optimizer: Optimizer,
  lossWeights: { readonly [task: string]: number },
  kind: StepKind,
  inputs: StepInputs,
  slots: readonly Tensor1D[],
): StepOutputs {
  const trained = trainedWeights(network);
  return tf.tidy((): never => {
    const { gradients, moved, sums } = differentiate(network, lossWeights, trained, inputs);
    const gradient = endToEnd(gradients);
    const outputs = within('optimizer', () => {
      const grown = optimizer.gradientAccumulationSteps > 1 ? tf.add(slots.at(-1)!, gradient) : gradient;
      if (kind === 'accumulate') return { weights: [], slots: [...slots.slice(0, -1).map(tf.clone), grown] };
      return update(trained, optimizer, inputs.coefficients, grown as Tensor1D, slots);
    });
    return { ...outputs, moved, gradient, sums } as never; // tidy hands the tensors out; its type knows no readonly arrays
  });
}

/** New weights and slots from the sum of the gradients of one update. */
function update(
  trained: readonly Weight[],
  optimizer: Optimizer,
  coefficients: readonly Scalar[],
  gradients: Tensor1D,
  slots: readonly Tensor1D[],
): Pick<StepOutputs, 'weights' | 'slots'> {
  const { rule, clipping, weightDecay, gradientAccumulationSteps: batches } = optimizer;
  const mean = batches > 1 ? (tf.div(gradients, batches) as Tensor1D) : gradients;
  const cut = clip(mean, (flat) => split(flat, trained), clipping);
  const value = decayed(endToEnd(trained.map((weight) => weight.read())), coefficients.at(-1)!, weightDecay);
  const next = rule.apply(value, cut, slots.slice(0, rule.slots.length), coefficients);
  return {
    weights: split(next.weight as Tensor1D, trained).map((tensor, i) => constrained(trained[i]!, tensor)),
    slots: [...next.slots, ...(batches > 1 ? [tf.zerosLike(gradients)] : [])] as Tensor1D[],
  };
}

/** How many numbers each of the weights has. */
export const sizesOf = (weights: readonly Weight[]) =>
  weights.map((weight) => (weight.shape as number[]).reduce((product, side) => product * side, 1));

const endToEnd = (tensors: readonly Tensor[]) =>
  tf.concat(tensors.map((tensor) => tf.reshape(tensor, [-1]))) as Tensor1D;

function differentiate(
  network: Network,
  lossWeights: { readonly [task: string]: number },
  trained: readonly Weight[],
  { given, targets, masks }: StepInputs,
) {
  const moved = new Map<Weight, Tensor>();
  const asked = new Map<string, number>();
  const forward: Forward = {
    mask: (layer: string) => {
      const before = asked.get(layer) ?? 0;
      asked.set(layer, before + 1);
      return masks[maskCall(layer, before)]!;
    },
    current: (weight: Weight) => moved.get(weight) ?? weight.read(),
    moved: (weight: Weight, value: Tensor) => {
      moved.get(weight)?.dispose();
      moved.set(weight, tf.keep(value));
    },
  };
  let sums: Tensor1D | undefined;
  const { grads } = tf.variableGrads(
    () => {
      const predictions = runGraph(network.graph, given, { training: true, forward });
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
