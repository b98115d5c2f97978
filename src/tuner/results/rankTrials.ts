import { computeCosts, dominates } from './bestTrials.js';
import { type Objectives, toObjectiveList } from './objectives.js';
import { sortByNumber, type TrialRecord } from './trialRecord.js';

/**
 * The trials that taught something, the best first: complete ones by their cost, then pruned ones, the furthest first. With several
 * objectives by fronts, each of those that only earlier fronts beat, and in a front the loneliest first.
 */
export function rankTrials(trials: readonly TrialRecord[], objectives: Objectives): TrialRecord[] {
  const scored = sortByNumber(trials).flatMap((trial) => {
    const costs = computeCosts(trial, objectives);
    return costs ? [{ trial, costs }] : [];
  });
  const complete = scored.filter(({ trial }) => trial.state === 'complete');
  const pruned = scored
    .filter(({ trial }) => trial.state === 'pruned')
    .sort((a, b) => b.trial.rows.length - a.trial.rows.length || a.costs[0]! - b.costs[0]!);
  const first =
    toObjectiveList(objectives).length === 1
      ? complete.sort((a, b) => a.costs[0]! - b.costs[0]! || a.trial.number - b.trial.number)
      : sortByFronts(complete);
  return [...first, ...pruned].map(({ trial }) => trial);
}

interface ScoredTrial {
  readonly trial: TrialRecord;
  readonly costs: readonly number[];
}

function sortByFronts(scored: readonly ScoredTrial[]): ScoredTrial[] {
  const sorted: ScoredTrial[] = [];
  for (let left = scored; left.length > 0; ) {
    const front = left.filter(({ costs }) => !left.some((other) => dominates(other.costs, costs)));
    const distance = computeCrowdingDistances(front);
    sorted.push(
      ...[...front].sort((a, b) => distance.get(b)! - distance.get(a)! || a.trial.number - b.trial.number),
    );
    left = left.filter((one) => !front.includes(one));
  }
  return sorted;
}

/** Crowding distance (K. Deb et al., 2002, NSGA-II): how far apart the neighbours of each are, infinite at the ends. */
function computeCrowdingDistances(front: readonly ScoredTrial[]): Map<ScoredTrial, number> {
  const distance = new Map(front.map((one) => [one, 0]));
  for (const at of front[0]?.costs.keys() ?? []) {
    const line = [...front].sort((a, b) => a.costs[at]! - b.costs[at]!);
    const span = line.at(-1)!.costs[at]! - line[0]!.costs[at]! || 1;
    for (const [i, one] of line.entries()) {
      const gap =
        i === 0 || i === line.length - 1
          ? Number.POSITIVE_INFINITY
          : (line[i + 1]!.costs[at]! - line[i - 1]!.costs[at]!) / span;
      distance.set(one, distance.get(one)! + gap);
    }
  }
  return distance;
}
