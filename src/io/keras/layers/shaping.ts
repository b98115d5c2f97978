import { applying, checkChannelsLast, passing, type Translator } from '../making.js';
import { weightSettings } from '../settings.js';
import { activated } from './activations.js';

const dense: Translator = (making) => {
  const args = {
    units: making.config.at('units').count(),
    useBias: making.config.at('use_bias').flag(true),
    ...weightSettings(making, 'kernel', 'bias'),
  };
  return activated(making, (activation, part) => making.make('Dense', { ...args, activation }, part));
};

const flatten: Translator = (making) => {
  checkChannelsLast(making);
  return making.shapes[0]!.length < 3 ? passing : applying(making.make('Flatten', {}));
};

/** The operation of Keras 3 counts the examples too, which must stay as they are. */
const reshape: Translator = ({ config, make }) => {
  const target = config.either('target_shape', 'newshape');
  const sizes = target.items().map((size) => size.count(-1));
  const operation = config.at('target_shape').missing;
  if (operation && sizes[0] !== -1) throw target.wrong('-1 first, for the examples');
  return applying(make('Reshape', { targetShape: operation ? sizes.slice(1) : sizes }));
};

const permute: Translator = ({ config, make }) =>
  applying(
    make('Permute', {
      dims: config
        .at('dims')
        .items()
        .map((axis) => axis.count()),
    }),
  );

/** Layers that mix or move all numbers of an example. */
export const SHAPING_LAYERS: { readonly [className: string]: Translator } = {
  Dense: dense,
  Flatten: flatten,
  Reshape: reshape,
  Permute: permute,
  RepeatVector: ({ config, make }) => applying(make('RepeatVector', { n: config.at('n').count() })),
  Identity: () => passing,
};
