import { beforeAll, describe, expect, test } from 'vitest';
import { createRng } from '../../src/core/rng.js';
import { loadReportTools } from '../../src/node/report/writeReport.js';
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
import { HOSTILE } from './runs.js';

let tools: ReportTools;
beforeAll(async () => {
  tools = await loadReportTools();
});

const searched = space({
  rate: float({ min: 1e-5, max: 1e-1, scale: 'log' }),
  filters: choice([32, 64, 128]),
  optimizer: alternatives({ adam: {}, sgd: { momentum: choice([0, 0.9]) } }),
});
const objectives = [minimize('val_loss'), maximize('val_accuracy')] as const;
const study = { space: searched, objectives, strategy: random() };

/** A search in which some trials fail, are pruned, or run still; the loss follows the rate alone. */
function made(count: number): readonly TrialRecord[] {
  const search = askAndTell(searched, { strategy: random(), objectives, seed: 4 });
  const draws = createRng(1, 'noise');
  for (let i = 0; i < count; i++) {
    const { number, params } = search.ask()!;
    if (i % 9 === 4) search.fail(number, `it ran out of memory, "${HOSTILE[0]}"`);
    else {
      const loss = (Math.log10(params.rate) + 3) ** 2;
      search.report(number, { val_loss: i === 6 ? Number.NaN : loss, val_accuracy: 0.5 + draws.next() / 2 });
      if (i === count - 1) continue;
      if (i % 7 === 3) search.prune(number, 'epoch 1: worse than the median');
      else search.tell(number);
    }
  }
  return search.trials;
}

/** Where the numbers of a front stand, in pixels. */
function labelsOf(svg: string): { x: number; y: number; number: number }[] {
  const text = /<text[^>]*transform="translate\(([\d.]+),([\d.]+)\)"[^>]*>(\d+)<\/text>/g;
  const last = svg.slice(svg.lastIndexOf('stroke-width="3"')); // the outline of the numbers
  return [...last.matchAll(text)].map(([, x, y, number]) => ({
    x: Number(x),
    y: Number(y),
    number: Number(number),
  }));
}
/** A digit of 12 pixels is some 7 wide and a line of them 12 high. */
function expectApart(labels: ReturnType<typeof labelsOf>): void {
  for (const [i, a] of labels.entries())
    for (const b of labels.slice(i + 1))
      expect(Math.abs(a.x - b.x) >= 7 * String(b.number).length || Math.abs(a.y - b.y) >= 12).toBe(true);
}

describe('the figures of a search', () => {
  test('are the same to the byte for the same records in any order, each with a name of its own', async () => {
    const trials = made(30);
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

  test('are drawn of one trial, of equal values, and not at all of none', () => {
    expect(studyFigures(study, [], tools)).toEqual([]);
    expect(
      studyFigures(
        study,
        made(40).filter(({ state }) => state === 'failed'),
        tools,
      ),
    ).toEqual([]);
    const [first] = made(3);
    for (const trials of [[first!], [1, 2, 3, 4, 5].map((number) => ({ ...first!, number }))]) {
      for (const { svg } of studyFigures(study, trials, tools))
        expect(svg).not.toMatch(/NaN|undefined|Infinity/);
    }
  });

  test('of each objective say what it follows from; what never came to a number is left out', () => {
    const three = [minimize('loss'), maximize('hits'), minimize('megabytes')] as const;
    const search = askAndTell(searched, { strategy: random(), objectives: three, seed: 2 });
    for (let i = 0; i < 60; i++) {
      const { number, params } = search.ask()!;
      const loss = (Math.log10(params.rate) + 3) ** 2;
      search.tell(number, { loss, hits: -Math.abs(params.filters - 64), megabytes: params.filters });
    }
    const drawn = studyFigures({ space: searched, objectives: three }, search.trials, tools);
    const names = drawn.map(({ name }) => name);
    expect(names.slice(0, 3)).toEqual(['front', 'front-megabytes', 'parallel']);
    const [rate, filters] = ['rate', 'filters'].map((path) => (name: string) => {
      const { svg } = drawn.find((one) => one.name === name)!;
      return svg.indexOf(`>${path}</text>`);
    });
    // The axis lists what mattered most first.
    expect(rate!('importance')).toBeLessThan(filters!('importance'));
    for (const name of ['importance-hits', 'importance-megabytes'])
      expect(filters!(name)).toBeLessThan(rate!(name));
    const never = search.trials.map((trial) => ({
      ...trial,
      rows: trial.rows.map((row) => ({ ...row, hits: Number.NaN })),
    }));
    const left = studyFigures({ space: searched, objectives: three }, never, tools);
    expect(left.filter(({ name }) => /front|parallel|hits/.test(name))).toEqual([]);
    for (const { svg } of left) expect(svg).not.toMatch(/NaN|undefined|Infinity/);
  });

  test('of another objective than the first are of the epoch that is the best by the first, and say so', () => {
    const two = [minimize('loss'), maximize('hits')] as const;
    const search = askAndTell(searched, { strategy: random(), objectives: two, seed: 2 });
    for (let i = 0; i < 60; i++) {
      const { number, params } = search.ask()!;
      // At the best epoch hits follow the filters; in the other, which has more of them, the rate.
      search.report(number, { loss: 1, hits: -Math.abs(params.filters - 64) });
      search.tell(number, { loss: 2, hits: 1000 + Math.log10(params.rate) });
    }
    const drawn = studyFigures({ space: searched, objectives: two }, search.trials, tools);
    const of = (name: string) => drawn.find((one) => one.name === name)!;
    const { svg } = of('importance-hits');
    expect(svg.indexOf('>filters</text>')).toBeLessThan(svg.indexOf('>rate</text>'));
    for (const name of ['history-hits', 'slice-rate-hits'])
      expect(of(name).note).toContain('At the best epoch by loss.');
    expect(of('slice-rate').note).not.toContain('epoch');
  });

  test('of the best so far rise where more is better', () => {
    const objective = maximize('hits');
    const search = askAndTell(searched, { strategy: random(), objectives: objective, seed: 2 });
    for (const hits of [1, 3, 2, 5, 4]) search.tell(search.ask()!.number, { hits });
    const [history] = studyFigures({ space: searched, objectives: objective }, search.trials, tools);
    const line = history!.svg.match(/stroke="#e8590c"[^>]*>\s*<path d="([^"]+)"/)![1]!;
    const ys = [...line.matchAll(/[\d.]+,([\d.]+)/g)].map(([, y]) => Number(y));
    expect(ys).toEqual([...ys].sort((a, b) => b - a)); // up the page
    expect(new Set(ys).size).toBe(3);
  });

  test('draw lines of the best over the others, and say how many trials have not all numbers', () => {
    const trials = made(60).map(
      (trial, i): TrialRecord =>
        i % 10 === 9
          ? { ...trial, rows: trial.rows.map((row) => ({ ...row, val_accuracy: Number.NaN })) }
          : trial,
    );
    const { svg, note } = studyFigures(study, trials, tools).find(({ name }) => name === 'parallel')!;
    const colours = [...svg.matchAll(/stroke="(#e8590c|#4269d0)"/g)].map(([, colour]) => colour);
    const [blue, orange] = [colours.lastIndexOf('#4269d0'), colours.indexOf('#e8590c')];
    expect(blue).toBeGreaterThan(0);
    expect(blue).toBeLessThan(orange);
    const left = trials.filter(
      ({ state, rows: [row] }, i) => state !== 'failed' && i % 10 === 9 && row && !Number.isNaN(row.val_loss),
    );
    expect(note).toContain(`Left out: ${left.length} trials without a number of each.`);
  });

  test('of a front name those that have room, though points lie close, and say whether all are named', () => {
    const two = [minimize('loss'), maximize('hits')] as const;
    const frontOf = (losses: readonly number[]) => {
      const search = askAndTell(searched, { strategy: random(), objectives: two, seed: 2 });
      for (const loss of losses) search.tell(search.ask()!.number, { loss, hits: loss });
      search.tell(search.ask()!.number, { loss: 2, hits: 0 });
      const figures = studyFigures({ space: searched, objectives: two }, search.trials, tools);
      return figures.find(({ name }) => name === 'front')!;
    };
    const close = frontOf(Array.from({ length: 30 }, (_, i) => i / 29));
    const places = labelsOf(close.svg);
    expect(places.length).toBeGreaterThan(3);
    expectApart(places);
    expect(close.note).toContain('some of their numbers');
    const apart = frontOf([0, 0.5, 1]);
    expect(
      labelsOf(apart.svg)
        .map(({ number }) => number)
        .sort(),
    ).toEqual([1, 2, 3]);
    expect(apart.note).toContain('with their numbers');
  });

  test('mark the best so far: the line falls, and ends at the best trial', () => {
    const trials = made(30);
    const history = studyFigures(study, trials, tools).find(({ name }) => name === 'history')!;
    const line = history.svg.match(/stroke="#e8590c"[^>]*>\s*<path d="([^"]+)"/)![1]!;
    const ys = [...line.matchAll(/[\d.]+,([\d.]+)/g)].map(([, y]) => Number(y));
    expect(ys.length).toBeGreaterThan(5);
    for (const [i, y] of ys.slice(1).entries()) expect(y).toBeGreaterThanOrEqual(ys[i]!); // down the page
  });
});

describe('a choice of many words', () => {
  const many = (count: number) => {
    const words = Array.from({ length: count }, (_, i) => `word ${i + 1}`);
    const of = space({
      word: choice(words),
      kind: alternatives(Object.fromEntries(words.map((word) => [word, {}]))),
    });
    const search = askAndTell(of, { strategy: random(), objectives: minimize('loss'), seed: 3 });
    for (let i = 0; i < 40; i++) {
      const { number, params } = search.ask()!;
      search.tell(number, { loss: words.indexOf(params.word) });
    }
    const searched = { space: of, objectives: minimize('loss'), strategy: random() };
    return { drawn: createStudyReport(searched, search.trials, tools), trials: search.trials };
  };

  test.each([12, 13, 30])('of %i: all of them stand at the axis', (count) => {
    const slices = many(count).drawn.figures.filter(({ name }) => name.startsWith('slice-'));
    expect(slices.map(({ name }) => name)).toEqual(['slice-word', 'slice-kind']);
    for (const { svg, note } of slices) {
      for (let i = 1; i <= count; i++) expect(svg).toContain(`>word ${i}</text>`);
      expect(note).toBe('Orange: the best trial.');
    }
  });

  test('of 100: 30 stand there, those of the best trials among them, and the note says how many are left out', () => {
    const { drawn, trials } = many(100);
    const [slice] = drawn.figures.filter(({ name }) => name === 'slice-word');
    expect(slice!.svg.match(/>word \d+<\/text>/g)).toHaveLength(30);
    expect(slice!.note).toBe('Orange: the best trial. The 30 values of the best trials; 70 are left out.');
    const losses = trials.map(({ rows }) => rows[0]!.loss!).sort((a, b) => a - b);
    for (const loss of losses.slice(0, 10)) expect(slice!.svg).toContain(`>word ${loss + 1}</text>`);
  });
});

test('names of figures are those that files can have, each once', () => {
  const long = 'p'.repeat(200);
  const of = space({
    'o-a-m': float({ min: 0, max: 1 }),
    o: alternatives({ a: { m: float({ min: 0, max: 1 }) }, b: {} }),
    [long]: float({ min: 0, max: 1 }),
    [`${long}q`]: float({ min: 0, max: 1 }),
  });
  const search = askAndTell(of, { strategy: random(), objectives: minimize('loss') });
  for (let i = 0; i < 5; i++) search.tell(search.ask()!.number, { loss: i });
  const names = studyFigures({ space: of, objectives: minimize('loss') }, search.trials, tools).map(
    ({ name }) => name.toLowerCase(),
  );
  expect(new Set(names).size).toBe(names.length);
  expect(names).toContain('slice-o-a-m-2');
  for (const name of names) expect(name.length).toBeLessThanOrEqual(53); // 50, and -2 of a second
});

test('the page says what is best, why some ended early, and shows hostile words as text', () => {
  const { page } = createStudyReport({ ...study, objectives: objectives[0] }, made(30), tools);
  expect(page).toMatch(
    /<p class="lead">30 trials, random\. Trial \d+ is the best: val_loss [\d.]+(e−\d+)? with/,
  );
  expect(page).toContain('<td>pruned</td>\n<td>epoch 1: worse than the median</td>');
  expect(page).toMatch(/<table class="words"><caption>Reasons<.*?>trial<.*?>state<.*?>reason</s);
  expect(page.match(/\(best\)/g)).toHaveLength(1);
  expect(createStudyReport(study, made(1), tools).page).toContain('<p class="lead">1 trial, random.');
  expect(page).not.toContain('<script');
  expect(page.replaceAll(/<style>.*?<\/style>/gs, '').replaceAll(/<[^>]*>/g, ' ')).not.toMatch(
    /NaN |undefined|\[object/,
  );
});

test('with several objectives the front is named, in words, in the table and in the figures, and none is the best', () => {
  const trials = made(60);
  const front = paretoFront(trials, objectives).map(({ number }) => number);
  expect(front.length).toBeGreaterThan(1);
  const { page, figures } = createStudyReport(study, trials, tools);
  expect(page).not.toMatch(/Trial \d+ is the best|\(best\)|best trial|best tenth/);
  const lead = page.match(/<p class="lead">([^<]*)</)![1]!;
  for (const number of front.slice(0, 6))
    expect(lead).toMatch(new RegExp(`\\b${number} \\(val_loss [^;]*, val_accuracy \\d`));
  const marked = [...page.matchAll(/<th scope="row">(\d+) \(front\)</g)].map(([, number]) => Number(number));
  expect(marked).toEqual(front);
  expect(page).toMatch(/class="figures wide" style="--natural: \d{3,}px"/); // it scrolls on a telephone
  const drawn = figures.find(({ name }) => name === 'front')!;
  // The numbers stand beside each other, those of both ends among them.
  const labels = labelsOf(drawn.svg);
  const byLoss = paretoFront(trials, objectives).sort((a, b) => a.rows[0]!.val_loss! - b.rows[0]!.val_loss!);
  const numbers = labels.map(({ number }) => number);
  expect(numbers).toEqual(expect.arrayContaining([byLoss[0]!.number, byLoss.at(-1)!.number]));
  expect(front).toEqual(expect.arrayContaining(numbers));
  expectApart(labels);
  expect([...page.matchAll(/<h3>([^<]+)<\/h3>/g)].map(([, title]) => title).slice(0, 3)).toEqual([
    'All together',
    'val_loss',
    'val_accuracy',
  ]);
  const { svg } = figures.find(({ name }) => name === 'parallel')!;
  expect(svg.match(/stroke="#e8590c"/g)).toHaveLength(front.length);
  expect(figures.find(({ name }) => name === 'slice-rate')!.note).toBe('Orange: the front.');
});

test('every line of the parallel coordinates reaches the objective, below axes of parameters that it has not', () => {
  const { svg, note } = studyFigures(study, made(30), tools).find(({ name }) => name === 'parallel')!;
  const lines = [...svg.matchAll(/<path[^>]* d="(M[^"]+)"/g)].map(([, d]) => d!);
  const scored = made(30).filter(
    ({ state, rows }) => state !== 'failed' && rows.some((row) => row.val_loss! >= 0),
  );
  expect(lines).toHaveLength(scored.length);
  for (const line of lines) {
    expect(line.match(/M/g)).toHaveLength(1); // one piece
    expect(line.match(/,/g)).toHaveLength(searched.dimensions.length + objectives.length);
  }
  expect(svg).toContain('>none</text>');
  expect(note).toContain('Below an axis: trials without that parameter.');
  const plain = space({ a: float({ min: 0, max: 1 }), b: float({ min: 0, max: 1 }) });
  const trial = {
    number: 1,
    params: { a: 0, b: 1 },
    state: 'complete',
    after: [],
    rows: [{ epoch: 1, loss: 1 }],
  } as const;
  const flat = studyFigures({ space: plain, objectives: minimize('loss') }, [trial], tools);
  expect(flat.find(({ name }) => name === 'parallel')!.svg).not.toContain('none</text>');
});

test('what mattered is what the objective follows from', () => {
  const shares = getParamImportances(searched, made(60), objectives);
  expect(shares.reduce((sum, { share }) => sum + share, 0)).toBeCloseTo(1, 9);
  const [rate, ...others] = shares;
  for (const { share } of others) expect(rate!.share).toBeGreaterThan(2 * share);
  expect(getParamImportances(searched, made(3), objectives)).toEqual([]);
});

describe('the results', () => {
  test('as CSV have a row a trial, whose cells read back', () => {
    const trials = made(12);
    const [head, ...rows] = resultsCsv(study, trials).trimEnd().split('\n');
    expect(head).toBe(
      'trial,state,front,epochs,rate,filters,optimizer,optimizer.sgd.momentum,best_epoch,val_loss,val_accuracy,reason',
    );
    expect(rows).toHaveLength(12);
    const failed = rows[4]!;
    expect(failed).toContain('""'); // quotes are doubled
    expect(failed.split(',')[1]).toBe('failed');
    const formula: TrialRecord = { ...trials[0]!, state: 'failed', reason: '=HYPERLINK("x")' };
    expect(resultsCsv(study, [formula])).toContain(`"'=HYPERLINK(""x"")"`);
  });

  test('as a table mark the best, or of several objectives the front', () => {
    const trials = made(12);
    const marked = (own: Parameters<typeof resultsTable>[0], mark: string) =>
      resultsTable(own, trials, 400)
        .split('\n')
        .flatMap((line, i) => (line.includes(mark) ? [i] : []));
    const front = paretoFront(trials, objectives).map(({ number }) => number);
    expect(front.length).toBeGreaterThan(1);
    expect(marked(study, '* front')).toEqual(front);
    expect(marked(study, 'best')).toEqual([]);
    const one = { ...study, objectives: objectives[0] };
    expect(marked(one, '* best')).toEqual([bestTrial(trials, objectives[0])!.number]);
    expect(marked(one, 'front')).toEqual([]);
    const csv = resultsCsv(study, trials).trimEnd().split('\n');
    expect(csv.flatMap((line, i) => (line.split(',')[2] === 'true' ? [i] : []))).toEqual(front);
    expect(resultsCsv(one, trials)).not.toContain('front');
  });

  test('as a table are cut to the width, of which values give way to marks, states, results and reasons', () => {
    const trials = made(12);
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
