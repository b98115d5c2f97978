import { Command, Option } from 'commander';
import { type EngineName, isMultitaskError, type Json } from 'tfjs-multitask';
import { DEMO } from '../demo-faces/write.js';
import type { Hyperparameters } from './hyperparameters.js';

/** Arguments that all examples have in common, including default values. */
export interface StudyArguments {
  /** Folder of images. */
  readonly data: string;
  /** Whether the example draws its images because `--data` is missing. */
  readonly demo: boolean;
  /** Options of `imageFolder` that select a part of the images: `{ limit }`, or `{}` for all images. */
  readonly subset: { readonly limit?: number };
  /** Height and width of the images in pixels. */
  readonly size: number;
  /** `free` draws new augmentations in every epoch; `fixed` augments each image in the same way in every epoch. */
  readonly augment: 'free' | 'fixed' | 'none';
  readonly epochs: number;
  readonly batchSize: number;
  /** Factor by which the learning rate is multiplied over each epoch. */
  readonly decayRate: number;
  readonly seed: number;
  readonly engine: EngineName | 'auto';
  readonly threads: number | undefined;
  /** Output folder. */
  readonly out: string;
  readonly resume: boolean;
  /** Whether the report shows images. */
  readonly images: boolean;
  /** Whether a local server shows the report during training. */
  readonly watch: boolean;
}

/** Arguments of `npm run model-a`. */
export interface ModelAArguments extends StudyArguments, Hyperparameters {}

/** Arguments of `npm run model-b`. */
export interface ModelBArguments extends StudyArguments {
  /** Weights of the backbone: `imagenet`, `none`, or the path of a file. */
  readonly weights: string;
  /** First stage of the backbone that is trained, or `all`. Undefined for a frozen backbone. */
  readonly fineTune: string | undefined;
  /** `fineTune` as an option of `resnet50Backbone`. */
  readonly trainableLayers: { readonly trainable: boolean } | { readonly trainableFrom: string };
  readonly learningRate: number;
}

/** Strategies that `--strategy` selects. */
export const STRATEGY_NAMES = ['tpe', 'random', 'grid', 'hyperband'] as const;

/** Arguments of `npm run tune`. */
export interface TuneArguments extends StudyArguments {
  /** Number of trials in total. */
  readonly trials: number;
  readonly strategy: (typeof STRATEGY_NAMES)[number];
  /** Number of trials that run at the same time. */
  readonly parallel: number;
}

/** Arguments of `npm run ablation`. */
export interface AblationArguments extends StudyArguments {
  /** Number of repetitions, each with a different seed. */
  readonly seeds: number;
}

/** Allowed range of a numeric command line argument. */
interface NumberRange {
  /** Noun phrase for error messages. */
  readonly expected: string;
  includes(value: number): boolean;
}

const integerFrom = (min: number): NumberRange => ({
  expected: `an integer of at least ${min}`,
  includes: (value) => Number.isInteger(value) && value >= min,
});

const DROPOUT_RANGE: NumberRange = {
  expected: 'a number of at least 0 and less than 1',
  includes: (value) => value >= 0 && value < 1,
};

const L2_RANGE: NumberRange = {
  expected: 'a number of at least 0',
  includes: (value) => value >= 0 && Number.isFinite(value),
};

/** Command line of an example. For invalid arguments, it prints the error and the help text, and exits with code 2. */
class ExampleCommand extends Command {
  constructor(
    readonly example: string,
    description: string,
  ) {
    super(`npm run ${example} --`);
    this.description(description).usage('[options]').helpOption('--help', 'show this text');
    this.showHelpAfterError().exitOverride(({ exitCode }) => process.exit(exitCode === 0 ? 0 : 2));
  }

  number(flags: string, description: string, range: NumberRange, defaultValue?: number): this {
    const option: Option = new Option(flags, description).default(defaultValue).argParser((text) => {
      const value = Number(text);
      if (text.trim() !== '' && range.includes(value)) return value;
      return this.error(`${option.long}: expected ${range.expected}, received "${text}"`);
    });
    return this.addOption(option);
  }

  choice(flags: string, description: string, choices: readonly string[], defaultChoice: string): this {
    const option: Option = new Option(flags, description).default(defaultChoice).argParser((name) => {
      if (choices.includes(name)) return name;
      return this.error(`${option.long}: expected ${choices.join(', ')}, received "${name}"`);
    });
    return this.addOption(option);
  }

  /** Adds the options for data and training that all examples have. */
  studyOptions(minSize: number): this {
    return this.optionsGroup('Data:')
      .option('--data <folder>', 'UTKFace images, named age_gender_race_date.jpg (default: draw faces)')
      .number('--limit <n>', 'use only this number of images (default: all)', integerFrom(1))
      .number(
        '--size <n>',
        `resize images to n x n pixels, at least ${minSize} (default: 128; drawn faces: ${DEMO.size})`,
        integerFrom(1),
      )
      .choice(
        '--augment <mode>',
        'free: new in every epoch; fixed: the same in every epoch; none',
        ['free', 'fixed', 'none'],
        'free',
      )
      .optionsGroup('Training:')
      .number(
        '--epochs <n>',
        `number of the last epoch (default: 50; drawn faces: ${DEMO.epochs})`,
        integerFrom(1),
      )
      .number(
        '--batch-size <n>',
        `images per training step (default: 16; drawn faces: ${DEMO.batchSize})`,
        integerFrom(1),
      )
      .number(
        '--seed <n>',
        'seed for split, weights, order of the images and augmentation',
        integerFrom(0),
        DEMO.seed,
      )
      .option('--engine <name>', 'onnx, wasm, or auto for the fastest that is installed', 'auto')
      .number('--threads <n>', 'threads of the engine (default: depends on the machine)', integerFrom(1));
  }

  /** Adds the options for output. `switches` are the flags that the example supports. */
  outputOptions(switches: readonly ('resume' | 'watch' | 'images')[]): this {
    this.optionsGroup('Output:').option('--out <folder>', 'output folder', `out/${this.example}`);
    if (switches.includes('resume')) this.option('--resume', 'continue the stopped run in the output folder');
    if (switches.includes('watch')) this.option('--watch', 'show the report on a local page during training');
    if (switches.includes('images')) this.option('--no-images', 'leave images out of the report');
    return this;
  }

  /** Parses the command line of this process. */
  readArguments<Extra extends object = object>(): StudyArguments & Extra {
    process.once('uncaughtException', (error) => {
      // The errors of the library contain advice. A stack trace is useful only for other errors.
      console.error(isMultitaskError(error) ? error.message : error);
      process.exit(1);
    });
    const { limit, threads, ...options } = this.parse().opts();
    const demo = options.data === undefined;
    return {
      data: 'out/demo-faces',
      demo,
      subset: limit === undefined ? {} : { limit },
      size: demo ? DEMO.size : 128,
      epochs: demo ? DEMO.epochs : 50,
      batchSize: demo ? DEMO.batchSize : 16,
      decayRate: demo ? DEMO.decayRate : 0.95,
      threads,
      resume: false,
      watch: false,
      images: true,
      ...(options as Pick<StudyArguments, 'augment' | 'seed' | 'engine' | 'out'> & Extra),
    };
  }
}

/** Reads the command line of `npm run model-a`. Ends the process for `--help` and for invalid arguments. */
export const readModelAArguments = (): ModelAArguments =>
  new ExampleCommand('model-a', 'Trains Model A, which predicts age and gender from face images.')
    .studyOptions(56)
    .optionsGroup('Hyperparameters, which npm run tune can search:')
    .number('--dropout <rate>', 'rate of all dropout layers', DROPOUT_RANGE, 0.3)
    .number('--l2 <factor>', 'L2 penalty on the kernels of hidden dense layers', L2_RANGE, 0.001)
    .number('--age-filters <n>', 'filters of the last convolution for age', integerFrom(1), 128)
    .number('--gender-filters <n>', 'filters of the last convolution for gender', integerFrom(1), 64)
    .outputOptions(['resume', 'watch', 'images'])
    .readArguments<Hyperparameters>();

/** Reads the command line of `npm run model-b`. Ends the process for `--help` and for invalid arguments. */
export function readModelBArguments(): ModelBArguments {
  const args = new ExampleCommand(
    'model-b',
    'Trains Model B: age and gender on top of a pretrained ResNet50.',
  )
    .studyOptions(32)
    .optionsGroup('Backbone:')
    .option(
      '--weights <from>',
      'imagenet, none, or the path of a file that Keras or this example wrote',
      'imagenet',
    )
    .option(
      '--fine-tune <stage>',
      'also train the backbone at a tenth of the rate: "all" of it, or from a stage on, for example "conv5"',
    )
    .outputOptions(['resume', 'watch', 'images'])
    .readArguments<Pick<ModelBArguments, 'weights' | 'fineTune'>>();
  const { fineTune } = args;
  return {
    ...args,
    trainableLayers:
      fineTune === undefined || fineTune === 'all'
        ? { trainable: fineTune === 'all' }
        : { trainableFrom: fineTune },
    learningRate: getInitialLearningRate(args),
  };
}

/** Reads the command line of `npm run tune`. Ends the process for `--help` and for invalid arguments. */
export const readTuneArguments = (): TuneArguments =>
  new ExampleCommand('tune', 'Searches the hyperparameters of Model A.')
    .studyOptions(56)
    .optionsGroup('Search:')
    .number('--trials <n>', 'number of trials in total', integerFrom(1), 12)
    .choice('--strategy <name>', `${STRATEGY_NAMES.join(', ')}`, STRATEGY_NAMES, 'tpe')
    .number('--parallel <n>', 'trials at the same time; they share the threads', integerFrom(1), 1)
    .outputOptions(['resume'])
    .readArguments<Pick<TuneArguments, 'trials' | 'strategy' | 'parallel'>>();

/** Reads the command line of `npm run ablation`. Ends the process for `--help` and for invalid arguments. */
export const readAblationArguments = (): AblationArguments =>
  new ExampleCommand('ablation', 'Trains Model A with grayscale images for no task, one task and both tasks.')
    .studyOptions(56)
    .optionsGroup('Comparison:')
    .number('--seeds <n>', 'repeat everything with this number of seeds, from --seed on', integerFrom(1), 2)
    .outputOptions(['images'])
    .readArguments<Pick<AblationArguments, 'seeds'>>();

/** Returns the initial learning rate of Model B: 0.001, or 0.0001 if pretrained layers are trained. */
export const getInitialLearningRate = ({
  weights,
  fineTune,
}: {
  readonly weights?: string | undefined;
  readonly fineTune?: string | undefined;
}): number => 1e-3 * (fineTune !== undefined && weights !== 'none' ? 0.1 : 1);

/** Returns the arguments that influence the result, for the report and `summary.json`. */
export function describeArguments(args: StudyArguments): { readonly [name: string]: Json } {
  const { data, demo, subset, size, augment, epochs, batchSize, decayRate, seed, ...others } = args;
  const { engine, threads, out, resume, images, watch, ...specific } = others;
  const { trainableLayers, learningRate, ...options } = specific as Partial<ModelBArguments>; // both follow from fineTune
  return {
    data: demo ? 'drawn faces' : data,
    ...{ size, batchSize, epochs, seed, engine, limit: subset.limit ?? null, augment },
    ...(options as { readonly [name: string]: Json }),
  };
}
