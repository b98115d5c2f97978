import { beforeAll, describe, expect, test } from 'vitest';
import { loadReportTools } from '../../src/node/report/writeReport.js';
import { createModelCard, createReportPage, type ReportTools } from '../../src/report/index.js';
import { AGE, GENDER, GRADE, madeRun } from './runs.js';

let tools: ReportTools;
beforeAll(async () => {
  tools = await loadReportTools();
});

const plain = (html: string) =>
  html
    .replace(/<style>.*?<\/style>/gs, '')
    .replace(/<[^>]*>/g, ' ')
    .replaceAll('\u00a0', ' ')
    .replace(/\s+/g, ' ');

/** From a heading of the page to the next. */
const part = (page: string, title: string, from = '') =>
  page
    .slice(from === '' ? 0 : page.indexOf(`>${from}</h2>`))
    .split(`<h3>${title}</h3>`)[1]!
    .split(/<h[23]|<\/section>/)[0]!;

const jpeg = new Uint8Array([0xff, 0xd8, 0xff]);
/** Ages of four, and what was said of them: errors of 2, 5, 3 and 10 years, all too high. */
const ages = [
  [10, 12],
  [20, 25],
  [30, 33],
  [40, 50],
] as const;
/** The probability of `female` for a man, a man, a woman and a woman: one of each is taken for the other. */
const female = [0.2, 0.7, 0.4, 0.9];
const run = {
  ...madeRun({ images: 4 }),
  answers: ages.map(([truth, answer], i) => ({
    id: `${i}.jpg`,
    labels: { age: truth, gender: i < 2 ? 'male' : 'female' },
    answers: { age: answer, gender: [1 - female[i]!, female[i]!] },
    groups: { place: i < 2 ? 'north' : 'south' },
  })),
  pictures: ages.map((_, i) => ({ id: `${i}.jpg`, file: `pictures/${i}.jpg` })),
  images: new Map(ages.map((_, i) => [`pictures/${i}.jpg`, jpeg] as const)),
  gradCams: [
    { id: '2.jpg', task: 'age', toward: 'lower', image: 'pictures/0.jpg' },
    { id: '1.jpg', task: 'gender', toward: 'female', image: 'pictures/1.jpg' },
  ],
};

describe('of four images by hand', () => {
  const page = () => createReportPage([run], tools);

  test('the errors, their spread, bands and groups are right', () => {
    const text = plain(page());
    // 2, 3, 5, 10: the mean is 5, half are within 3, nine of ten within 10.
    expect(text).toMatch(
      /Mean absolute error 5 \(–\) years on 4 validation images, not augmented; half of the answers are within 3, nine of ten within 10\./,
    );
    expect(text).toMatch(
      /10 to 15 1 2 \(–\) 15 to 20 0 n\/a 20 to 25 1 5 \(–\) 25 to 30 0 n\/a 30 to 35 1 3 \(–\) 35 to 40 0 n\/a 40 to 45 1 10 \(–\)/,
    );
    expect(text).toMatch(/all 4 5 \(–\) 5 \(–\) north 2 3\.5 \(–\) 3\.5 \(–\) south 2 6\.5 \(–\) 6\.5 \(–\)/);
    const low = {
      ...run,
      answers: run.answers.map((one) => ({ ...one, answers: { age: one.labels.age - 2 } })),
    };
    expect(plain(createReportPage([low], tools))).toMatch(
      /all 4 2 \(–\) −2 \(–\) north 2 2 \(–\) −2 \(–\) south 2 2 \(–\) −2 \(–\)/,
    );
  });

  test('accuracy, precision and recall are right, each under its head', () => {
    const answers = run.answers.map((one, i) =>
      i === 2 ? { ...one, answers: { ...one.answers, gender: [0.1, 0.9] } } : one,
    );
    const text = plain(createReportPage([{ ...run, answers }], tools));
    // Said: male once, rightly; female three times, twice rightly.
    expect(text).toMatch(/Accuracy 75\.0 % \([^)]*\) on 4 validation images/);
    expect(text).toMatch(
      /precision \(95 %\) recall \(95 %\) male 2 100\.0 % \([^)]*\) 50\.0 % \([^)]*\) female 2 66\.7 % \([^)]*\) 100\.0 %/,
    );
    expect(text).toMatch(
      /images accuracy \(95 %\) all 4 75\.0 % \([^)]*\) north 2 50\.0 % \([^)]*\) south 2 100\.0 %/,
    );
  });

  test('the largest errors are shown, the worst first, with what was said', () => {
    const ids = (html: string) => Array.from(html.matchAll(/<small>(\d)\.jpg/g), ([, id]) => Number(id));
    const worst = part(page(), 'Largest errors', 'age');
    expect(ids(worst)).toEqual([3, 1, 2, 0]);
    expect(plain(worst)).toMatch(/^ 50 true: 40 3\.jpg/);
    // What was not given to the true label: 0.7, 0.6, 0.2, 0.1.
    expect(ids(part(page(), 'Largest errors', 'gender'))).toEqual([1, 2, 0, 3]);
    expect(ids(part(page(), 'Random samples')).sort()).toEqual([0, 1, 2, 3]);
    expect(plain(part(page(), 'Random samples'))).toContain(
      'age: 33 , true 30 gender: male 60.0 % , true female',
    );
  });

  test('where a task looked is shown in its own part alone', () => {
    const heat = (task: string) => plain(part(page(), 'Where it looked', task));
    expect(heat('age')).toContain('33 true: 30 2.jpg');
    expect(heat('age')).not.toContain('1.jpg');
    expect(heat('gender')).toContain('female 70.0 % true: male 1.jpg');
  });

  test('a card has the same numbers, and warns of what few images say', () => {
    const card = createModelCard(run).replaceAll('\u00a0', ' ');
    expect(card).toMatch(/\| age \| mean absolute error \(years\) \| 4 \| 5 \(–\) \|/);
    expect(card).toMatch(/\| gender \| accuracy \| 4 \| 50\.0 % \(/);
    expect(card).toMatch(/\| north \| 2 \| 3\.5 \(–\) \| 3\.5 \(–\) \|/);
    expect(card).toMatch(/\| north \| 2 \| 50\.0 % \(/);
    expect(card).toContain(
      'Groups of fewer than 30 validation images, of which the figures say little: all (place, 4), north (place, 2)',
    );
  });
});

test('the best epoch is told with its own numbers, in a report, a comparison and a card', () => {
  const rows = [3, 1, 2].map((value, i) => ({
    epoch: i + 1,
    ...Object.fromEntries(
      ['loss', 'val_loss', 'age_loss', 'age_mae', 'val_age_loss'].map((name) => [name, value]),
    ),
    val_age_mae: 10 * value,
  }));
  const best = { ...madeRun({ tasks: [AGE] }), rows };
  expect(plain(createReportPage([best], tools))).toMatch(
    /Epoch 2 of 3 has the best val_loss, 1\..*age: mae \(years\) 1 10 /,
  );
  const last = { ...best, name: 'other', rows: rows.slice(0, 1) };
  expect(plain(createReportPage([best, last], tools))).toMatch(/1\. made up 2 1 10 .*?2\. other 1 3 30 /);
  expect(createModelCard(best)).toContain('At epoch 2 of 3, which has the best val\\_loss (1).');
  expect(createModelCard(best)).toContain('| age | mae (years) | 1 | 10 |');
});

test('of many labels the most frequent are in the table', () => {
  const labels = Array.from({ length: 50 }, (_, i) => `label ${i}`);
  const made = madeRun({ tasks: [{ ...GRADE, labels }], images: 400 });
  const rare = made.answers.filter(({ labels: { grade } }) => grade !== 'label 3' && grade !== 'label 7');
  const text = plain(createReportPage([{ ...made, answers: rare }], tools));
  const table = text.split('the 40 most frequent of 50 labels')[1]!.split('By group')[0]!;
  expect(table).not.toMatch(/label 3 0|label 7 0/);
  const counts = Array.from(table.matchAll(/label \d+ (\d+) /g), ([, count]) => Number(count));
  expect(counts).toHaveLength(40);
  expect(counts).toEqual([...counts].sort((a, b) => b - a));
});

test('shares of training and of validation are drawn as what they are', () => {
  const made = madeRun({ tasks: [GENDER] });
  const counts = (male: number) => ({
    gender: [
      ['female', 100 - male],
      ['male', male],
    ] as [string, number][],
  });
  const data = {
    ...made.data,
    train: { ...made.data.train, labels: counts(90), groups: {} },
    validation: { ...made.data.validation!, labels: counts(20), groups: {} },
  };
  const page = createReportPage([{ ...made, data }], tools);
  const figure = page.split('data-figure="gender-balance"')[1]!.split('</figure>')[0]!;
  const lengths = (colour: string) =>
    Array.from(
      figure.matchAll(new RegExp(`<line stroke="${colour}"[^>]* x2="([\\d.]+)" x1="([\\d.]+)"`, 'g')),
    ).map(([, to, from]) => Number(to) - Number(from));
  const [blue, orange] = [lengths('#4269d0'), lengths('#e8590c')];
  expect(blue[0]! / orange[0]!).toBeCloseTo(4.5, 1); // male: 90 and 20 of 100
});
