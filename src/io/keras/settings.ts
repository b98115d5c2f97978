import { show } from '../../core/errors.js';
import type { JsonPart } from './jsonPart.js';
import type { Making } from './making.js';
import { camelCase } from './names.js';

/** Initialisers of Keras that TensorFlow.js has, by class, with the numbers they take; and what TensorFlow.js calls two of them. */
const INITIALIZERS: { readonly [className: string]: readonly string[] } = {
  Zeros: [],
  Ones: [],
  Constant: ['value'],
  Identity: ['gain'],
  RandomNormal: ['mean', 'stddev', 'seed'],
  RandomUniform: ['minval', 'maxval', 'seed'],
  TruncatedNormal: ['mean', 'stddev', 'seed'],
  Orthogonal: ['gain', 'seed'],
  GlorotUniform: ['seed'],
  GlorotNormal: ['seed'],
  HeUniform: ['seed'],
  HeNormal: ['seed'],
  LecunUniform: ['seed'],
  LecunNormal: ['seed'],
};
const RENAMED: { readonly [className: string]: string } = {
  LecunUniform: 'LeCunUniform',
  LecunNormal: 'LeCunNormal',
};

/**
 * How the weights of a layer are born and penalised, as arguments of a stock layer: `kernel` gives `kernelInitializer` and
 * `kernelRegularizer`. Weights come from the file, so an unknown initialiser is left to the stock default.
 */
export function weightSettings(making: Making, ...weights: readonly string[]): object {
  const { config } = making;
  const settings: { [argument: string]: object } = {};
  for (const weight of weights) {
    const initializer = initializerOf(config.at(`${weight}_initializer`));
    if (initializer) settings[camelCase(`${weight}_initializer`)] = initializer;
    const regularizer = regularizerOf(making, config.at(`${weight}_regularizer`));
    if (regularizer) settings[camelCase(`${weight}_regularizer`)] = regularizer;
    left(making, `${weight}_constraint`);
  }
  left(making, 'activity_regularizer');
  return settings;
}

/** Says that a setting which matters to training alone is not kept. */
function left({ config, log, layer }: Making, setting: string): void {
  if (config.at(setting).missing) return;
  log(`${layer.name}: ${setting} is left out, it only matters to training`);
}

function initializerOf(part: JsonPart): object | undefined {
  if (!part.isRecord) return undefined;
  const className = part.at('class_name').text();
  const config = part.at('config');
  if (className === 'VarianceScaling') {
    return {
      className,
      config: {
        scale: config.at('scale').number(1),
        mode: camelCase(config.at('mode').oneOf(['fan_in', 'fan_out', 'fan_avg'], 'fan_in')),
        distribution: config.at('distribution').text('truncated_normal').includes('uniform')
          ? 'uniform'
          : 'normal',
        seed: seedOf(config),
      },
    };
  }
  const fields = Object.hasOwn(INITIALIZERS, className) ? INITIALIZERS[className] : undefined;
  if (!fields || (fields.length > 0 && !config.isRecord)) return undefined;
  const numbers = fields
    .map((field) => [field, field === 'seed' ? seedOf(config) : config.at(field).value] as const)
    .filter(([, value]) => typeof value === 'number');
  return { className: RENAMED[className] ?? className, config: Object.fromEntries(numbers) };
}

/** A seed of Keras 3 may be a record, which nothing here can say. */
const seedOf = (config: JsonPart) => {
  const { value } = config.at('seed');
  return typeof value === 'number' ? value : undefined;
};

function regularizerOf({ log, layer }: Making, part: JsonPart): object | undefined {
  if (part.missing) return undefined;
  const config = part.isRecord ? part.at('config') : part;
  const className = part.isRecord ? part.at('class_name').text() : show(part.value);
  if (!['L1', 'L2', 'L1L2'].includes(className)) {
    log(`${layer.name}: the penalty ${className} is left out, it only matters to training`);
    return undefined;
  }
  return {
    className: 'L1L2',
    config: { l1: config.at('l1').number(0), l2: config.at('l2').number(0) },
  };
}
