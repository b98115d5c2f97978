import { formatValue } from '../../../../core/errors/formatValue.js';
import type { JsonNode } from '../../file/jsonNode.js';
import { toCamelCase } from '../../file/kerasNames.js';
import type { ImportContext } from './importContext.js';

/** Parameters of the Keras initializers that TensorFlow.js supports, keyed by class name. */
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
/** TensorFlow.js names of initializers that have a different name in Keras, keyed by Keras name. */
const TFJS_INITIALIZER_NAMES: { readonly [className: string]: string } = {
  LecunUniform: 'LeCunUniform',
  LecunNormal: 'LeCunNormal',
};

/**
 * Reads the initializers and regularizers of a layer's weights as arguments of a TensorFlow.js layer: the weight name `kernel` results in
 * `kernelInitializer` and `kernelRegularizer`. An unknown initializer is replaced with the layer's default, because the weights come from
 * the file.
 */
export function readWeightConfig(context: ImportContext, ...weights: readonly string[]): object {
  const { config } = context;
  const settings: { [argument: string]: object } = {};
  for (const weight of weights) {
    const initializer = readInitializer(config.at(`${weight}_initializer`));
    if (initializer) settings[toCamelCase(`${weight}_initializer`)] = initializer;
    const regularizer = readRegularizer(context, config.at(`${weight}_regularizer`));
    if (regularizer) settings[toCamelCase(`${weight}_regularizer`)] = regularizer;
    logIgnoredSetting(context, `${weight}_constraint`);
  }
  logIgnoredSetting(context, 'activity_regularizer');
  return settings;
}

/** Logs that a setting is ignored because it only affects training. */
function logIgnoredSetting({ config, log, layer }: ImportContext, setting: string): void {
  if (config.at(setting).isMissing) return;
  log(`${layer.name}: ignored ${setting}, which only affects training`);
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

/** Reads a numeric seed. Keras 3 may also write a record, which TensorFlow.js cannot express. */
const readSeed = (config: JsonNode) => {
  const { value } = config.at('seed');
  return typeof value === 'number' ? value : undefined;
};

function readRegularizer({ log, layer }: ImportContext, part: JsonNode): object | undefined {
  if (part.isMissing) return undefined;
  const config = part.isRecord ? part.at('config') : part;
  const className = part.isRecord ? part.at('class_name').asText() : formatValue(part.value);
  if (!['L1', 'L2', 'L1L2'].includes(className)) {
    log(`${layer.name}: ignored the regularizer ${className}, which only affects training`);
    return undefined;
  }
  return {
    className: 'L1L2',
    config: { l1: config.at('l1').asNumber(0), l2: config.at('l2').asNumber(0) },
  };
}
