import type { OwnArgument, StudyArguments } from './arguments.js';
import type { Chosen } from './model-a-network.js';

/** What the search chooses, as arguments of `npm run model-a`. */
export const CHOSEN: { readonly [argument: string]: OwnArgument } = {
  dropout: { value: 'RATE', help: 'of every dropout, from 0 to below 1 (0.3)', default: '0.3' },
  l2: { value: 'FACTOR', help: 'on the kernels of the dense layers (0.001)', default: '0.001' },
  'age-filters': { value: 'N', help: "of the last convolution of age's branch (128)", default: '128' },
  'gender-filters': { value: 'N', help: "of the last convolution of gender's (64)", default: '64' },
};

/** The arguments as Model A takes them; wrong ones end the program. */
export function chosenBy({ own }: Pick<StudyArguments, 'own'>): Required<Chosen> {
  const read = (argument: string, right: (value: number) => boolean, expected: string) => {
    const value = Number(own[argument]);
    if (own[argument] !== '' && right(value)) return value;
    console.error(`--${argument}: expected ${expected}, received "${own[argument]}"`);
    return process.exit(2);
  };
  const filters = (value: number) => Number.isInteger(value) && value >= 1;
  return {
    dropout: read('dropout', (value) => value >= 0 && value < 1, 'a number from 0 to below 1'),
    l2: read('l2', (value) => value >= 0 && Number.isFinite(value), 'a number of at least 0'),
    ageFilters: read('age-filters', filters, 'a whole number above zero'),
    genderFilters: read('gender-filters', filters, 'a whole number above zero'),
  };
}

/** The line that trains Model A with a choice. */
export const lineFor = ({ dropout, l2, ageFilters, genderFilters }: Required<Chosen>): string =>
  `npm run model-a -- --dropout ${dropout} --l2 ${l2} --age-filters ${ageFilters} --gender-filters ${genderFilters}`;
