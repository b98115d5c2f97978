// Prints the best values that the tuner finds on two functions in 60 trials, by seed, and the plans of Hyperband.
import {
  alternatives,
  askAndTell,
  choice,
  float,
  hyperbandPlan,
  int,
  minimize,
  type ParameterMap,
  type Space,
  space,
  tpe,
} from '../../src/tuner/index.js';

const SEEDS = 20;
const TRIALS = 60;

const branin = ({ x, y }: any) =>
  (y - (5.1 / (4 * Math.PI ** 2)) * x * x + (5 / Math.PI) * x - 6) ** 2 +
  10 * (1 - 1 / (8 * Math.PI)) * Math.cos(x) +
  10;
const mixed = ({ rate, dropout, units, layers, activation, optimizer }: any) =>
  (Math.log10(rate) + 3) ** 2 / 4 +
  4 * (dropout - 0.3) ** 2 +
  ((units - 32) / 24) ** 2 +
  (layers - 2) ** 2 / 4 +
  { relu: 0, elu: 0.6, tanh: 1 }[activation as 'relu'] +
  (optimizer.kind === 'adam' ? 0.4 : 2 * (optimizer.momentum - 0.9) ** 2);

function findBestValues(searchSpace: Space<ParameterMap>, objective: (values: any) => number): number[] {
  return Array.from({ length: SEEDS }, (_, seed) => {
    const search = askAndTell(searchSpace, { strategy: tpe(), objectives: minimize('value'), seed });
    for (let i = 0; i < TRIALS; i++) {
      const { number, params } = search.ask()!;
      search.tell(number, { value: objective(params) });
    }
    return search.bestTrial()!.rows[0]!.value!;
  });
}

const PLANS = [9, 10, 27, 50, 81, 100, 243, 729];

console.log(
  JSON.stringify({
    branin: findBestValues(space({ x: float({ min: -5, max: 10 }), y: float({ min: 0, max: 15 }) }), branin),
    mixed: findBestValues(
      space({
        rate: float({ min: 1e-5, max: 1, scale: 'log' }),
        dropout: float({ min: 0, max: 0.5, step: 0.1 }),
        units: int({ min: 8, max: 64, step: 8 }),
        layers: int({ min: 1, max: 4 }),
        activation: choice(['relu', 'elu', 'tanh']),
        optimizer: alternatives({ adam: {}, sgd: { momentum: float({ min: 0, max: 0.99 }) } }),
      }),
      mixed,
    ),
    plans: Object.fromEntries(
      PLANS.map((maxEpochs) => [
        maxEpochs,
        hyperbandPlan({ maxEpochs }).map((rounds) => rounds.map(({ trials, epochs }) => [trials, epochs])),
      ]),
    ),
  }),
);
