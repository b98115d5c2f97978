import type { Trunk } from 'tfjs-multitask';
import { createModelA } from './modelA.js';

type Api = typeof import('tfjs-multitask');

/** Networks that the benchmark can measure. All of them have the tasks `age` and `gender`. */
export const NETWORKS = ['model-a', 'resnet50', 'mobilenetv2', 'efficientnetb0', 'residual'] as const;
export type NetworkName = (typeof NETWORKS)[number];

/**
 * Layers that are trained: all layers, the last stage of ResNet50 and the heads, or only the heads, which are
 * the branches of the tasks. The other layers are frozen and run in inference mode.
 */
export const TRAINED_LAYERS = ['all', 'conv5', 'heads'] as const;
export type TrainedLayers = (typeof TRAINED_LAYERS)[number];

/** Measured network. It is built identically in this library, in Keras and in PyTorch. */
export interface NetworkChoice {
  readonly network: NetworkName;
  readonly train: TrainedLayers;
}

/** Names of the networks in tables. */
export const NETWORK_NAMES: { readonly [N in NetworkName]: string } = {
  'model-a': 'Model A',
  resnet50: 'ResNet50',
  mobilenetv2: 'MobileNetV2',
  efficientnetb0: 'EfficientNetB0',
  residual: 'Residual',
};

/** Describes the trained layers after the name of a network: empty for all layers, else `, conv5 and heads trained` or `, heads trained`. */
export const describeTrained = (train: TrainedLayers): string =>
  ({ all: '', conv5: ', conv5 and heads trained', heads: ', heads trained' })[train];

/** Smallest image size of each network in pixels. */
export const MIN_SIZES: { readonly [N in NetworkName]: number } = {
  'model-a': 56,
  resnet50: 32,
  mobilenetv2: 32,
  efficientnetb0: 32,
  residual: 8,
};

/**
 * Checks the values of the options `--network` and `--train`.
 *
 * @throws Error if the network does not exist, or if its layers cannot be trained in this way.
 */
export function parseNetworkChoice(network: string, train: string): NetworkChoice {
  if (!isOneOf(NETWORKS, network)) {
    throw new Error(
      `--network: expected one of ${NETWORKS.join(', ')}, received ${JSON.stringify(network)}.`,
    );
  }
  const allowed = listTrainedLayers(network);
  if (!isOneOf(allowed, train)) {
    throw new Error(
      `--train: expected ${allowed.join(' or ')} for the network ${network}, received ${JSON.stringify(train)}.`,
    );
  }
  return { network, train };
}

/** Only ResNet50 has a stage named `conv5`. */
const listTrainedLayers = (network: NetworkName): readonly TrainedLayers[] =>
  network === 'resnet50' ? TRAINED_LAYERS : ['all', 'heads'];

const isOneOf = <T extends string>(values: readonly T[], value: string): value is T =>
  (values as readonly string[]).includes(value);

/**
 * Builds a network with the API of a checkout. The networks other than Model A have the branches of Model B.
 *
 * @param size - Height and width of the images in pixels, at least {@link MIN_SIZES}.
 */
export async function createNetwork(api: Api, choice: NetworkChoice, size: number) {
  const { network, train } = choice;
  const model = network === 'model-a' ? createModelA(api, size) : await createModelB(api, choice, size);
  // The trunk of the other networks is a backbone, which has an option for its frozen layers.
  if (train === 'heads' && (network === 'model-a' || network === 'residual')) model.freeze('trunk_*');
  return model;
}

async function createModelB(api: Api, choice: NetworkChoice, size: number) {
  const { binary, branch, dense, dropout, multiTask, regression } = api;
  const createBranch = () =>
    branch([dense(128, { l2: 1e-3 }), dropout(0.3), dense(16, { l2: 1e-3 }), dropout(0.3)]);
  return multiTask({ input: [size, size, 3] })
    .trunk(await createTrunk(api, choice))
    .task('age', regression({ unit: 'years' }), createBranch())
    .task('gender', binary(['male', 'female']), createBranch())
    .build();
}

async function createTrunk(api: Api, { network, train }: NetworkChoice): Promise<Trunk> {
  const { globalAveragePool, sharedTrunk } = api;
  const weights = null;
  const trainable = train === 'all';
  switch (network) {
    case 'resnet50': {
      const frozen = train === 'conv5' ? { trainableFrom: 'conv5' as const } : { trainable };
      return sharedTrunk([await api.resnet50Backbone({ weights, ...frozen }), globalAveragePool()]);
    }
    case 'mobilenetv2':
      return sharedTrunk([await api.mobileNetV2Backbone({ weights, trainable }), globalAveragePool()]);
    case 'efficientnetb0':
      return sharedTrunk([await api.efficientNetB0Backbone({ weights, trainable }), globalAveragePool()]);
    default:
      return createResidualTrunk(api);
  }
}

/** Filters and strides of the residual blocks. */
const RESIDUAL_BLOCKS = [
  [32, 1],
  [64, 2],
  [64, 1],
  [128, 2],
  [128, 1],
] as const;

/** Creates a small residual network with batch normalization: K. He et al., Deep residual learning for image recognition, 2015. */
function createResidualTrunk(api: Api): Trunk {
  const { activation, batchNorm, conv, globalAveragePool, residual, sharedTrunk } = api;
  const convolve = (filters: number, strides: number) =>
    conv(filters, 3, { strides, padding: 'same', activation: 'linear' });
  return sharedTrunk([
    ...[convolve(32, 1), batchNorm(), activation('relu')],
    ...RESIDUAL_BLOCKS.flatMap(([filters, strides]) => [
      residual([
        ...[convolve(filters, strides), batchNorm(), activation('relu')],
        ...[convolve(filters, 1), batchNorm()],
      ]),
      activation('relu'),
    ]),
    globalAveragePool(),
  ]);
}

/** Numbers of parameters of a network. They show that the engines measure the same network. */
export interface ParameterCount {
  /** All parameters, including moving statistics, but without those of the preprocessing of a backbone. */
  readonly total: number;
  readonly trainable: number;
}

/** Name of the frozen layer with which a backbone of this library preprocesses the image. */
const PREPROCESSING_LAYER = 'image_preprocess';

/** Counts the parameters of a network of this library. */
export function countParameters({
  layersModel,
}: Pick<Awaited<ReturnType<typeof createNetwork>>, 'layersModel'>): ParameterCount {
  type Weights = readonly { readonly shape: readonly (number | null)[] }[];
  const count = (weights: Weights) =>
    weights.reduce((sum, { shape }) => sum + shape.reduce<number>((product, side) => product * side!, 1), 0);
  const layers = layersModel.layers.filter(({ name }) => name !== PREPROCESSING_LAYER);
  const sumLayers = (select: (layer: (typeof layers)[number]) => Weights) =>
    layers.reduce((sum, layer) => sum + count(select(layer)), 0);
  return {
    total: sumLayers(({ weights }) => weights),
    trainable: sumLayers(({ trainableWeights }) => trainableWeights),
  };
}
