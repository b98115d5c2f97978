import { formatValue } from '../../../core/errors/formatValue.js';
import type { JsonNode } from '../file/jsonNode.js';
import { toCamelCase } from '../file/kerasNames.js';
import type { ImportContext } from './importContext.js';

/** Initialisers of Keras that TensorFlow.js has, by class, with the numbers they take; and what TensorFlow.js calls two of them. */
const INITIALIZER_FIELDS: { readonly [className: string]: readonly string[] } = {
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
const TFJS_INITIALIZER_NAMES: { readonly [className: string]: string } = {
  LecunUniform: 'LeCunUniform',
  LecunNormal: 'LeCunNormal',
};

/**
 * How the weights of a layer are born and penalised, as arguments of a stock layer: `kernel` gives `kernelInitializer` and
 * `kernelRegularizer`. Weights come from the file, so an unknown initialiser is left to the stock default.
 */
export function readWeightConfig(making: ImportContext, ...weights: readonly string[]): object {
  const { config } = making;
  const settings: { [argument: string]: object } = {};
  for (const weight of weights) {
    const initializer = readInitializer(config.at(`${weight}_initializer`));
    if (initializer) settings[toCamelCase(`${weight}_initializer`)] = initializer;
    const regularizer = readRegularizer(making, config.at(`${weight}_regularizer`));
    if (regularizer) settings[toCamelCase(`${weight}_regularizer`)] = regularizer;
    logIgnoredSetting(making, `${weight}_constraint`);
  }
  logIgnoredSetting(making, 'activity_regularizer');
  return settings;
}

/** Says that a setting which matters to training alone is not kept. */
function logIgnoredSetting({ config, log, layer }: ImportContext, setting: string): void {
  if (config.at(setting).isMissing) return;
  log(`${layer.name}: ${setting} is left out, it only matters to training`);
}

function readInitializer(part: JsonNode): object | undefined {
  if (!part.isRecord) return undefined;
  const className = part.at('class_name').asText();
  const config = part.at('config');
  if (className === 'VarianceScaling') {
    return {
      className,
      config: {
        scale: config.at('scale').asNumber(1),
        mode: toCamelCase(config.at('mode').asOneOf(['fan_in', 'fan_out', 'fan_avg'], 'fan_in')),
        distribution: config.at('distribution').asText('truncated_normal').includes('uniform')
          ? 'uniform'
          : 'normal',
        seed: readSeed(config),
      },
    };
  }
  const fields = Object.hasOwn(INITIALIZER_FIELDS, className) ? INITIALIZER_FIELDS[className] : undefined;
  if (!fields || (fields.length > 0 && !config.isRecord)) return undefined;
  const numbers = fields
    .map((field) => [field, field === 'seed' ? readSeed(config) : config.at(field).value] as const)
    .filter(([, value]) => typeof value === 'number');
  return { className: TFJS_INITIALIZER_NAMES[className] ?? className, config: Object.fromEntries(numbers) };
}

/** A seed of Keras 3 may be a record, which nothing here can say. */
const readSeed = (config: JsonNode) => {
  const { value } = config.at('seed');
  return typeof value === 'number' ? value : undefined;
};

function readRegularizer({ log, layer }: ImportContext, part: JsonNode): object | undefined {
  if (part.isMissing) return undefined;
  const config = part.isRecord ? part.at('config') : part;
  const className = part.isRecord ? part.at('class_name').asText() : formatValue(part.value);
  if (!['L1', 'L2', 'L1L2'].includes(className)) {
    log(`${layer.name}: the penalty ${className} is left out, it only matters to training`);
    return undefined;
  }
  return {
    className: 'L1L2',
    config: { l1: config.at('l1').asNumber(0), l2: config.at('l2').asNumber(0) },
  };
}
