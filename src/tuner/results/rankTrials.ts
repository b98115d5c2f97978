import { computeCosts, dominates } from './bestTrials.js';
import { type Objectives, toObjectiveList } from './objectives.js';
import { sortByNumber, type TrialRecord } from './trialRecord.js';

/**
 * Returns the complete and pruned trials, sorted from best to worst. Trials that never reported a number are omitted.
 *
 * - Complete trials come before pruned trials. Pruned trials are sorted by their number of epochs, in descending order.
 * - With one objective, complete trials are sorted by cost.
 * - With several objectives, complete trials are sorted by non-dominated front, and within a front by crowding distance, in
 *   descending order.
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
  const rankedComplete =
    toObjectiveList(objectives).length === 1
      ? complete.sort((a, b) => a.costs[0]! - b.costs[0]! || a.trial.number - b.trial.number)
      : sortByFronts(complete);
  return [...rankedComplete, ...pruned].map(({ trial }) => trial);
}

interface ScoredTrial {
  readonly trial: TrialRecord;
  readonly costs: readonly number[];
}

function sortByFronts(scored: readonly ScoredTrial[]): ScoredTrial[] {
  const sorted: ScoredTrial[] = [];
  for (let remaining = scored; remaining.length > 0; ) {
    const front = remaining.filter(({ costs }) => !remaining.some((other) => dominates(other.costs, costs)));
    const distance = computeCrowdingDistances(front);
    sorted.push(
      ...[...front].sort((a, b) => distance.get(b)! - distance.get(a)! || a.trial.number - b.trial.number),
    );
    remaining = remaining.filter((trial) => !front.includes(trial));
  }
  return sorted;
}

/**
 * Computes crowding distances (K. Deb et al., 2002, NSGA-II): the distance between the two neighbors of a trial on its front, or
 * infinity for a trial at an end of the front.
 */
function computeCrowdingDistances(front: readonly ScoredTrial[]): Map<ScoredTrial, number> {
  const distance = new Map(front.map((trial) => [trial, 0]));
  for (const objectiveIndex of front[0]?.costs.keys() ?? []) {
    const sorted = [...front].sort((a, b) => a.costs[objectiveIndex]! - b.costs[objectiveIndex]!);
    const span = sorted.at(-1)!.costs[objectiveIndex]! - sorted[0]!.costs[objectiveIndex]! || 1;
    for (const [i, trial] of sorted.entries()) {
      const gap =
        i === 0 || i === sorted.length - 1
          ? Number.POSITIVE_INFINITY
          : (sorted[i + 1]!.costs[objectiveIndex]! - sorted[i - 1]!.costs[objectiveIndex]!) / span;
      distance.set(trial, distance.get(trial)! + gap);
    }
  }
  return distance;
}
