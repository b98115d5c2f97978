import { beforeAll, describe, expect, test } from 'vitest';
import { createRng } from '../../src/core/rng.js';
import { loadReportTools } from '../../src/node/report/reportTools.js';
import { createStudyReport, type ReportTools, studyFigures } from '../../src/report/index.js';
import {
  alternatives,
  askAndTell,
  bestTrial,
  choice,
  float,
  getParamImportances,
  maximize,
  minimize,
  paretoFront,
  random,
  resultsCsv,
  resultsTable,
  space,
  type TrialRecord,
} from '../../src/tuner/index.js';
import { HOSTILE } from './createRun.js';

let tools: ReportTools;
beforeAll(async () => {
  tools = await loadReportTools();
});

const searchSpace = space({
  rate: float({ min: 1e-5, max: 1e-1, scale: 'log' }),
  filters: choice([32, 64, 128]),
  optimizer: alternatives({ adam: {}, sgd: { momentum: choice([0, 0.9]) } }),
});
const objectives = [minimize('val_loss'), maximize('val_accuracy')] as const;
const study = { space: searchSpace, objectives, strategy: random() };

/** Creates the trials of a search. Some trials failed, were pruned or are running. The loss depends only on the learning rate. */
function createTrials(count: number): readonly TrialRecord[] {
  const search = askAndTell(searchSpace, { strategy: random(), objectives, seed: 4 });
  const noise = createRng(1, 'noise');
  for (let i = 0; i < count; i++) {
    const { number, params } = search.ask()!;
    if (i % 9 === 4) search.fail(number, `it ran out of memory, "${HOSTILE[0]}"`);
    else {
      const loss = (Math.log10(params.rate) + 3) ** 2;
      search.report(number, { val_loss: i === 6 ? Number.NaN : loss, val_accuracy: 0.5 + noise.next() / 2 });
      if (i === count - 1) continue;
      if (i % 7 === 3) search.prune(number, 'epoch 1: worse than the median');
      else search.tell(number);
    }
  }
  return search.trials;
}

/** Returns the positions in pixels of the trial numbers of a Pareto front. */
function findLabels(svg: string): { x: number; y: number; number: number }[] {
  const pattern = /<text[^>]*transform="translate\(([\d.]+),([\d.]+)\)"[^>]*>(\d+)<\/text>/g;
  const numberMarks = svg.slice(svg.lastIndexOf('stroke-width="3"')); // Only the trial numbers have such an outline.
  return [...numberMarks.matchAll(pattern)].map(([, x, y, number]) => ({
    x: Number(x),
    y: Number(y),
    number: Number(number),
  }));
}
/** Expects that no labels overlap. A digit is about 7 pixels wide and 12 pixels high. */
function expectNoOverlap(labels: ReturnType<typeof findLabels>): void {
  for (const [i, a] of labels.entries())
    for (const b of labels.slice(i + 1))
      expect(Math.abs(a.x - b.x) >= 7 * String(b.number).length || Math.abs(a.y - b.y) >= 12).toBe(true);
}

describe('studyFigures', () => {
  test('draws the same figures, byte for byte, for trials in any order', async () => {
    const trials = createTrials(30);
    const figures = studyFigures(study, trials, tools);
    expect(studyFigures(study, [...trials].reverse(), await loadReportTools())).toEqual(figures);
    expect(figures.map(({ name }) => name)).toEqual([
      ...['front', 'parallel'],
      ...['history', 'slice-rate', 'slice-filters', 'slice-optimizer'],
      ...['slice-optimizer-sgd-momentum', 'importance'],
      ...['history-val_accuracy', 'slice-rate-val_accuracy', 'slice-filters-val_accuracy'],
      ...[
        'slice-optimizer-val_accuracy',
        'slice-optimizer-sgd-momentum-val_accuracy',
        'importance-val_accuracy',
      ],
    ]);
    for (const { svg } of figures) expect(svg).not.toMatch(/NaN|undefined|Infinity/);
  });

  test('draws figures for a single trial and for trials with equal values, and no figures if no trial has a result', () => {
    expect(studyFigures(study, [], tools)).toEqual([]);
    expect(
      studyFigures(
        study,
        createTrials(40).filter(({ state }) => state === 'failed'),
        tools,
      ),
    ).toEqual([]);
    const [first] = createTrials(3);
    for (const trials of [[first!], [1, 2, 3, 4, 5].map((number) => ({ ...first!, number }))]) {
      for (const { svg } of studyFigures(study, trials, tools))
        expect(svg).not.toMatch(/NaN|undefined|Infinity/);
    }
  });

  test('draws parameter importances for each objective, and no figures for an objective without values', () => {
    const three = [minimize('loss'), maximize('hits'), minimize('megabytes')] as const;
    const search = askAndTell(searchSpace, { strategy: random(), objectives: three, seed: 2 });
    for (let i = 0; i < 60; i++) {
      const { number, params } = search.ask()!;
      const loss = (Math.log10(params.rate) + 3) ** 2;
      search.tell(number, { loss, hits: -Math.abs(params.filters - 64), megabytes: params.filters });
    }
    const figures = studyFigures({ space: searchSpace, objectives: three }, search.trials, tools);
    expect(figures.map(({ name }) => name).slice(0, 3)).toEqual(['front', 'front-megabytes', 'parallel']);
    const findTick = (path: string, name: string) =>
      figures.find((figure) => figure.name === name)!.svg.indexOf(`>${path}</text>`);
    // The first tick of the axis is the most important parameter.
    expect(findTick('rate', 'importance')).toBeLessThan(findTick('filters', 'importance'));
    for (const name of ['importance-hits', 'importance-megabytes'])
      expect(findTick('filters', name)).toBeLessThan(findTick('rate', name));
    const trialsWithoutHits = search.trials.map((trial) => ({
      ...trial,
      rows: trial.rows.map((row) => ({ ...row, hits: Number.NaN })),
    }));
    const remaining = studyFigures({ space: searchSpace, objectives: three }, trialsWithoutHits, tools);
    expect(remaining.filter(({ name }) => /front|parallel|hits/.test(name))).toEqual([]);
    for (const { svg } of remaining) expect(svg).not.toMatch(/NaN|undefined|Infinity/);
  });

  test('uses the best epoch of the first objective even in the figures for a second objective, as the notes state', () => {
    const two = [minimize('loss'), maximize('hits')] as const;
    const search = askAndTell(searchSpace, { strategy: random(), objectives: two, seed: 2 });
    for (let i = 0; i < 60; i++) {
      const { number, params } = search.ask()!;
      // In the best epoch, the hits depend on the filters. In the other epoch, which has more hits, they depend on the learning rate.
      search.report(number, { loss: 1, hits: -Math.abs(params.filters - 64) });
      search.tell(number, { loss: 2, hits: 1000 + Math.log10(params.rate) });
    }
    const figures = studyFigures({ space: searchSpace, objectives: two }, search.trials, tools);
    const findFigure = (name: string) => figures.find((figure) => figure.name === name)!;
    const { svg } = findFigure('importance-hits');
    expect(svg.indexOf('>filters</text>')).toBeLessThan(svg.indexOf('>rate</text>'));
    for (const name of ['history-hits', 'slice-rate-hits'])
      expect(findFigure(name).note).toContain('Values at the best epoch by loss.');
    expect(findFigure('slice-rate').note).not.toContain('epoch');
  });

  test('draws a best-value line that rises if the objective is maximized', () => {
    const objective = maximize('hits');
    const search = askAndTell(searchSpace, { strategy: random(), objectives: objective, seed: 2 });
    for (const hits of [1, 3, 2, 5, 4]) search.tell(search.ask()!.number, { hits });
    const [history] = studyFigures({ space: searchSpace, objectives: objective }, search.trials, tools);
    const line = history!.svg.match(/stroke="#e8590c"[^>]*>\s*<path d="([^"]+)"/)![1]!;
    const ys = [...line.matchAll(/[\d.]+,([\d.]+)/g)].map(([, y]) => Number(y));
    expect(ys).toEqual([...ys].sort((a, b) => b - a)); // In SVG, y decreases upward.
    expect(new Set(ys).size).toBe(3);
  });

  test('draws the best trials on top in the parallel coordinates plot, and the note counts trials with missing values', () => {
    const trials = createTrials(60).map(
      (trial, i): TrialRecord =>
        i % 10 === 9
          ? { ...trial, rows: trial.rows.map((row) => ({ ...row, val_accuracy: Number.NaN })) }
          : trial,
    );
    const { svg, note } = studyFigures(study, trials, tools).find(({ name }) => name === 'parallel')!;
    const colors = [...svg.matchAll(/stroke="(#e8590c|#4269d0)"/g)].map(([, color]) => color);
    const [lastBlue, firstOrange] = [colors.lastIndexOf('#4269d0'), colors.indexOf('#e8590c')];
    expect(lastBlue).toBeGreaterThan(0);
    expect(lastBlue).toBeLessThan(firstOrange);
    const omitted = trials.filter(
      ({ state, rows: [row] }, i) => state !== 'failed' && i % 10 === 9 && row && !Number.isNaN(row.val_loss),
    );
    expect(note).toContain(`Omitted: ${omitted.length} trials without values of all objectives.`);
  });

  test('labels points of the Pareto front with trial numbers that do not overlap, and the note states whether all points are labeled', () => {
    const two = [minimize('loss'), maximize('hits')] as const;
    const drawFront = (losses: readonly number[]) => {
      const search = askAndTell(searchSpace, { strategy: random(), objectives: two, seed: 2 });
      for (const loss of losses) search.tell(search.ask()!.number, { loss, hits: loss });
      search.tell(search.ask()!.number, { loss: 2, hits: 0 });
      const figures = studyFigures({ space: searchSpace, objectives: two }, search.trials, tools);
      return figures.find(({ name }) => name === 'front')!;
    };
    const crowded = drawFront(Array.from({ length: 30 }, (_, i) => i / 29));
    const labels = findLabels(crowded.svg);
    expect(labels.length).toBeGreaterThan(3);
    expectNoOverlap(labels);
    expect(crowded.note).toContain('some of their numbers');
    const sparse = drawFront([0, 0.5, 1]);
    expect(
      findLabels(sparse.svg)
        .map(({ number }) => number)
        .sort(),
    ).toEqual([1, 2, 3]);
    expect(sparse.note).toContain('with their numbers');
  });

  test('draws a best-value line that falls if the objective is minimized', () => {
    const trials = createTrials(30);
    const history = studyFigures(study, trials, tools).find(({ name }) => name === 'history')!;
    const line = history.svg.match(/stroke="#e8590c"[^>]*>\s*<path d="([^"]+)"/)![1]!;
    const ys = [...line.matchAll(/[\d.]+,([\d.]+)/g)].map(([, y]) => Number(y));
    expect(ys.length).toBeGreaterThan(5);
    for (const [i, y] of ys.slice(1).entries()) expect(y).toBeGreaterThanOrEqual(ys[i]!); // In SVG, y increases downward.
  });
});

describe('the figure from createStudyReport for a choice with many values', () => {
  const searchWords = (count: number) => {
    const words = Array.from({ length: count }, (_, i) => `word ${i + 1}`);
    const wordSpace = space({
      word: choice(words),
      kind: alternatives(Object.fromEntries(words.map((word) => [word, {}]))),
    });
    const search = askAndTell(wordSpace, { strategy: random(), objectives: minimize('loss'), seed: 3 });
    for (let i = 0; i < 40; i++) {
      const { number, params } = search.ask()!;
      search.tell(number, { loss: words.indexOf(params.word) });
    }
    const wordStudy = { space: wordSpace, objectives: minimize('loss'), strategy: random() };
    return { report: createStudyReport(wordStudy, search.trials, tools), trials: search.trials };
  };

  test.each([12, 13, 30])('shows all values on its axis if there are %i values', (count) => {
    const slices = searchWords(count).report.figures.filter(({ name }) => name.startsWith('slice-'));
    expect(slices.map(({ name }) => name)).toEqual(['slice-word', 'slice-kind']);
    for (const { svg, note } of slices) {
      for (let i = 1; i <= count; i++) expect(svg).toContain(`>word ${i}</text>`);
      expect(note).toBe('Orange: the best trial.');
    }
  });

  test('shows the 30 values of the best trials if there are 100 values, and the note counts the omitted values', () => {
    const { report, trials } = searchWords(100);
    const [slice] = report.figures.filter(({ name }) => name === 'slice-word');
    expect(slice!.svg.match(/>word \d+<\/text>/g)).toHaveLength(30);
    expect(slice!.note).toBe(
      'Orange: the best trial. Only the 30 values of the best trials are shown; 70 are omitted.',
    );
    const losses = trials.map(({ rows }) => rows[0]!.loss!).sort((a, b) => a - b);
    for (const loss of losses.slice(0, 10)) expect(slice!.svg).toContain(`>word ${loss + 1}</text>`);
  });
});

test('studyFigures returns unique figure names, each of at most 53 characters', () => {
  const longName = 'p'.repeat(200);
  const similarSpace = space({
    'o-a-m': float({ min: 0, max: 1 }),
    o: alternatives({ a: { m: float({ min: 0, max: 1 }) }, b: {} }),
    [longName]: float({ min: 0, max: 1 }),
    [`${longName}q`]: float({ min: 0, max: 1 }),
  });
  const search = askAndTell(similarSpace, { strategy: random(), objectives: minimize('loss') });
  for (let i = 0; i < 5; i++) search.tell(search.ask()!.number, { loss: i });
  const figures = studyFigures({ space: similarSpace, objectives: minimize('loss') }, search.trials, tools);
  const figureNames = figures.map(({ name }) => name.toLowerCase());
  expect(new Set(figureNames).size).toBe(figureNames.length);
  expect(figureNames).toContain('slice-o-a-m-2');
  // At most 50 characters, and a suffix such as `-2`.
  for (const name of figureNames) expect(name.length).toBeLessThanOrEqual(53);
});

test('createStudyReport shows the best trial and the reasons why trials ended early, and escapes HTML in strings', () => {
  const { page } = createStudyReport({ ...study, objectives: objectives[0] }, createTrials(30), tools);
  expect(page).toMatch(
    /<p class="lead">30 trials, random\. Trial \d+ is the best: val_loss [\d.]+(e−\d+)? with/,
  );
  expect(page).toContain('<td>pruned</td>\n<td>epoch 1: worse than the median</td>');
  expect(page).toMatch(/<table class="words"><caption>Reasons<.*?>trial<.*?>state<.*?>reason</s);
  expect(page.match(/\(best\)/g)).toHaveLength(1);
  expect(createStudyReport(study, createTrials(1), tools).page).toContain('<p class="lead">1 trial, random.');
  expect(page).not.toContain('<script');
  expect(page.replaceAll(/<style>.*?<\/style>/gs, '').replaceAll(/<[^>]*>/g, ' ')).not.toMatch(
    /NaN |undefined|\[object/,
  );
});

test('createStudyReport marks the Pareto front instead of a best trial in its text, table and figures if there are several objectives', () => {
  const trials = createTrials(60);
  const front = paretoFront(trials, objectives).map(({ number }) => number);
  expect(front.length).toBeGreaterThan(1);
  const { page, figures } = createStudyReport(study, trials, tools);
  expect(page).not.toMatch(/Trial \d+ is the best|\(best\)|best trial|best 10 %/);
  const lead = page.match(/<p class="lead">([^<]*)</)![1]!;
  for (const number of front.slice(0, 6))
    expect(lead).toMatch(new RegExp(`\\b${number} \\(val_loss [^;]*, val_accuracy \\d`));
  const marked = [...page.matchAll(/<th scope="row">(\d+) \(front\)</g)].map(([, number]) => Number(number));
  expect(marked).toEqual(front);
  expect(page).toMatch(/class="figures wide" style="--natural: \d{3,}px"/); // The figure scrolls on a small screen.
  const frontFigure = figures.find(({ name }) => name === 'front')!;
  // The numbers do not overlap, and include both ends of the front.
  const labels = findLabels(frontFigure.svg);
  const byLoss = paretoFront(trials, objectives).sort((a, b) => a.rows[0]!.val_loss! - b.rows[0]!.val_loss!);
  const numbers = labels.map(({ number }) => number);
  expect(numbers).toEqual(expect.arrayContaining([byLoss[0]!.number, byLoss.at(-1)!.number]));
  expect(front).toEqual(expect.arrayContaining(numbers));
  expectNoOverlap(labels);
  expect([...page.matchAll(/<h3>([^<]+)<\/h3>/g)].map(([, title]) => title).slice(0, 3)).toEqual([
    'All objectives',
    'val_loss',
    'val_accuracy',
  ]);
  const { svg } = figures.find(({ name }) => name === 'parallel')!;
  expect(svg.match(/stroke="#e8590c"/g)).toHaveLength(front.length);
  expect(figures.find(({ name }) => name === 'slice-rate')!.note).toBe('Orange: the Pareto front.');
});

test('studyFigures draws each trial as a line across all axes of the parallel coordinates plot, and the line passes below the axis of a missing parameter', () => {
  const { svg, note } = studyFigures(study, createTrials(30), tools).find(({ name }) => name === 'parallel')!;
  const lines = [...svg.matchAll(/<path[^>]* d="(M[^"]+)"/g)].map(([, d]) => d!);
  const scored = createTrials(30).filter(
    ({ state, rows }) => state !== 'failed' && rows.some((row) => row.val_loss! >= 0),
  );
  expect(lines).toHaveLength(scored.length);
  for (const line of lines) {
    expect(line.match(/M/g)).toHaveLength(1); // The line has no gaps.
    expect(line.match(/,/g)).toHaveLength(searchSpace.dimensions.length + objectives.length);
  }
  expect(svg).toContain('>none</text>');
  expect(note).toContain('Below an axis: trials without that parameter.');
  const flatSpace = space({ a: float({ min: 0, max: 1 }), b: float({ min: 0, max: 1 }) });
  const trial = {
    number: 1,
    params: { a: 0, b: 1 },
    state: 'complete',
    after: [],
    rows: [{ epoch: 1, loss: 1 }],
  } as const;
  const figures = studyFigures({ space: flatSpace, objectives: minimize('loss') }, [trial], tools);
  expect(figures.find(({ name }) => name === 'parallel')!.svg).not.toContain('none</text>');
});

test('getParamImportances returns the largest importance for the parameter that determines the objective', () => {
  const importances = getParamImportances(searchSpace, createTrials(60), objectives);
  expect(importances.reduce((sum, { share }) => sum + share, 0)).toBeCloseTo(1, 9);
  const [rate, ...others] = importances;
  for (const { share } of others) expect(rate!.share).toBeGreaterThan(2 * share);
  expect(getParamImportances(searchSpace, createTrials(3), objectives)).toEqual([]);
});

describe('resultsCsv and resultsTable', () => {
  test('return one row for each trial, and the CSV cells are quoted', () => {
    const trials = createTrials(12);
    const [head, ...rows] = resultsCsv(study, trials).trimEnd().split('\n');
    expect(head).toBe(
      'trial,state,front,epochs,rate,filters,optimizer,optimizer.sgd.momentum,best_epoch,val_loss,val_accuracy,reason',
    );
    expect(rows).toHaveLength(12);
    const failed = rows[4]!;
    expect(failed).toContain('""'); // Quotes within a cell are doubled.
    expect(failed.split(',')[1]).toBe('failed');
    const formula: TrialRecord = { ...trials[0]!, state: 'failed', reason: '=HYPERLINK("x")' };
    expect(resultsCsv(study, [formula])).toContain(`"'=HYPERLINK(""x"")"`);
  });

  test('mark the best trial, or the Pareto front of several objectives', () => {
    const trials = createTrials(12);
    const findMarked = (target: Parameters<typeof resultsTable>[0], mark: string) =>
      resultsTable(target, trials, 400)
        .split('\n')
        .flatMap((line, i) => (line.includes(mark) ? [i] : []));
    const front = paretoFront(trials, objectives).map(({ number }) => number);
    expect(front.length).toBeGreaterThan(1);
    expect(findMarked(study, '* front')).toEqual(front);
    expect(findMarked(study, 'best')).toEqual([]);
    const singleObjective = { ...study, objectives: objectives[0] };
    expect(findMarked(singleObjective, '* best')).toEqual([bestTrial(trials, objectives[0])!.number]);
    expect(findMarked(singleObjective, 'front')).toEqual([]);
    const csv = resultsCsv(study, trials).trimEnd().split('\n');
    expect(csv.flatMap((line, i) => (line.split(',')[2] === 'true' ? [i] : []))).toEqual(front);
    expect(resultsCsv(singleObjective, trials)).not.toContain('front');
  });

  test('truncate parameter values to the table width, but not marks, states or reasons', () => {
    const trials = createTrials(12);
    expect(resultsTable(study, trials, 400).split('\n')[5]).toMatch(/failed .* it ran out of memory/);
    for (const width of [72, 80, 120]) {
      const lines = resultsTable(study, trials, width).split('\n');
      expect(lines.every((line) => line.length <= width)).toBe(true);
      for (const { number, state, reason } of trials) {
        if (state !== 'complete') expect(lines[number]).toContain(state);
        if (reason !== undefined) expect(lines[number]).toContain(reason.split('\n')[0]!.slice(0, 20));
      }
      for (const { number } of paretoFront(trials, objectives)) expect(lines[number]).toContain('* front');
    }
    expect(
      resultsTable(study, trials, 10)
        .split('\n')
        .every((line) => line.length <= 10),
    ).toBe(true);
  });
});
