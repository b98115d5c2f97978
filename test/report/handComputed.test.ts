import { beforeAll, describe, expect, test } from 'vitest';
import { loadReportTools } from '../../src/node/report/reportTools.js';
import { createModelCard, createReportPage, type ReportTools } from '../../src/report/index.js';
import { AGE, createRun, GENDER, GRADE } from './createRun.js';

let tools: ReportTools;
beforeAll(async () => {
  tools = await loadReportTools();
});

/** Returns the visible text of an HTML string. */
const toText = (html: string) =>
  html
    .replace(/<style>.*?<\/style>/gs, '')
    .replace(/<[^>]*>/g, ' ')
    .replaceAll('\u00a0', ' ')
    .replace(/\s+/g, ' ');

/** Returns the HTML between a heading and the next heading. `section` is the page section that contains the heading. */
const getPart = (page: string, title: string, section = '') =>
  page
    .slice(section === '' ? 0 : page.indexOf(`>${section}</h2>`))
    .split(`<h3>${title}</h3>`)[1]!
    .split(/<h[23]|<\/section>/)[0]!;

const jpeg = new Uint8Array([0xff, 0xd8, 0xff]);
/** True and predicted ages. The predictions are 2, 5, 3 and 10 years too high. */
const ages = [
  [10, 12],
  [20, 25],
  [30, 33],
  [40, 50],
] as const;
/** Probability of `female` for two male and two female images. One prediction for each label is incorrect. */
const female = [0.2, 0.7, 0.4, 0.9];
const run = {
  ...createRun({ images: 4 }),
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

describe('the page from createReportPage for a run with four images', () => {
  const createPage = () => createReportPage([run], tools);

  test('contains the mean absolute error, the error quantiles, and the errors by true value and by group', () => {
    const text = toText(createPage());
    // The mean of the errors 2, 3, 5 and 10 is 5. Half of them are at most 3, and 90 % are at most 10.
    expect(text).toMatch(
      /Mean absolute error 5 \(–\) years on 4 validation images without augmentation; half of the errors are at most 3, and 90 % at most 10\./,
    );
    expect(text).toMatch(
      /10 to 15 1 2 \(–\) 15 to 20 0 n\/a 20 to 25 1 5 \(–\) 25 to 30 0 n\/a 30 to 35 1 3 \(–\) 35 to 40 0 n\/a 40 to 45 1 10 \(–\)/,
    );
    expect(text).toMatch(/all 4 5 \(–\) 5 \(–\) north 2 3\.5 \(–\) 3\.5 \(–\) south 2 6\.5 \(–\) 6\.5 \(–\)/);
    const lowRun = {
      ...run,
      answers: run.answers.map((answer) => ({ ...answer, answers: { age: answer.labels.age - 2 } })),
    };
    expect(toText(createReportPage([lowRun], tools))).toMatch(
      /all 4 2 \(–\) −2 \(–\) north 2 2 \(–\) −2 \(–\) south 2 2 \(–\) −2 \(–\)/,
    );
  });

  test('contains accuracy, precision and recall below the corresponding table headers', () => {
    const answers = run.answers.map((answer, i) =>
      i === 2 ? { ...answer, answers: { ...answer.answers, gender: [0.1, 0.9] } } : answer,
    );
    const text = toText(createReportPage([{ ...run, answers }], tools));
    // One prediction is male and correct. Three predictions are female, and two of them are correct.
    expect(text).toMatch(/Accuracy 75\.0 % \([^)]*\) on 4 validation images/);
    expect(text).toMatch(
      /precision \(95 %\) recall \(95 %\) male 2 100\.0 % \([^)]*\) 50\.0 % \([^)]*\) female 2 66\.7 % \([^)]*\) 100\.0 %/,
    );
    expect(text).toMatch(
      /images accuracy \(95 %\) all 4 75\.0 % \([^)]*\) north 2 50\.0 % \([^)]*\) south 2 100\.0 %/,
    );
  });

  test('shows the largest errors in decreasing order, with predictions and labels', () => {
    const findIds = (html: string) => Array.from(html.matchAll(/<small>(\d)\.jpg/g), ([, id]) => Number(id));
    const largestErrors = getPart(createPage(), 'Largest errors', 'age');
    expect(findIds(largestErrors)).toEqual([3, 1, 2, 0]);
    expect(toText(largestErrors)).toMatch(/^ 50 true: 40 3\.jpg/);
    // The errors are one minus the probability of the true label: 0.7, 0.6, 0.2, 0.1.
    expect(findIds(getPart(createPage(), 'Largest errors', 'gender'))).toEqual([1, 2, 0, 3]);
    expect(findIds(getPart(createPage(), 'Random samples')).sort()).toEqual([0, 1, 2, 3]);
    expect(toText(getPart(createPage(), 'Random samples'))).toContain(
      'age: 33 , true 30 gender: male 60.0 % , true female',
    );
  });

  test('shows the Grad-CAM images of a task only in the section of that task', () => {
    const getGradCams = (task: string) => toText(getPart(createPage(), 'Grad-CAM', task));
    expect(getGradCams('age')).toContain('33 true: 30 2.jpg');
    expect(getGradCams('age')).not.toContain('1.jpg');
    expect(getGradCams('gender')).toContain('female 70.0 % true: male 1.jpg');
  });

  test('contains the same scores as the model card, and the model card warns about groups with few images', () => {
    const card = createModelCard(run).replaceAll('\u00a0', ' ');
    expect(card).toMatch(/\| age \| mean absolute error \(years\) \| 4 \| 5 \(–\) \|/);
    expect(card).toMatch(/\| gender \| accuracy \| 4 \| 50\.0 % \(/);
    expect(card).toMatch(/\| north \| 2 \| 3\.5 \(–\) \| 3\.5 \(–\) \|/);
    expect(card).toMatch(/\| north \| 2 \| 50\.0 % \(/);
    expect(card).toContain(
      'Groups with uncertain results, because they have fewer than 30 validation images: all (place, 4), north (place, 2)',
    );
  });
});

test('createReportPage and createModelCard report the values of the best epoch', () => {
  const rows = [3, 1, 2].map((value, i) => ({
    epoch: i + 1,
    ...Object.fromEntries(
      ['loss', 'val_loss', 'age_loss', 'age_mae', 'val_age_loss'].map((name) => [name, value]),
    ),
    val_age_mae: 10 * value,
  }));
  const longRun = { ...createRun({ tasks: [AGE] }), rows };
  expect(toText(createReportPage([longRun], tools))).toMatch(
    /Epoch 2 of 3 has the best val_loss, 1\..*age: mae \(years\) 1 10 /,
  );
  const shortRun = { ...longRun, name: 'other', rows: rows.slice(0, 1) };
  expect(toText(createReportPage([longRun, shortRun], tools))).toMatch(
    /1\. made up 2 1 10 .*?2\. other 1 3 30 /,
  );
  expect(createModelCard(longRun)).toContain('Results of epoch 2 of 3, which has the best val\\_loss (1).');
  expect(createModelCard(longRun)).toContain('| age | mae (years) | 1 | 10 |');
});

test('createReportPage lists only the 40 most frequent of 50 labels in the label table', () => {
  const labels = Array.from({ length: 50 }, (_, i) => `label ${i}`);
  const labelRun = createRun({ tasks: [{ ...GRADE, labels }], images: 400 });
  const answers = labelRun.answers.filter(
    ({ labels: { grade } }) => grade !== 'label 3' && grade !== 'label 7',
  );
  const text = toText(createReportPage([{ ...labelRun, answers }], tools));
  const table = text.split('the 40 most frequent of 50 labels')[1]!.split('By group')[0]!;
  expect(table).not.toMatch(/label 3 0|label 7 0/);
  const counts = Array.from(table.matchAll(/label \d+ (\d+) /g), ([, count]) => Number(count));
  expect(counts).toHaveLength(40);
  expect(counts).toEqual([...counts].sort((a, b) => b - a));
});

test('createReportPage draws the shares of training and validation images in the figure of a label distribution', () => {
  const genderRun = createRun({ tasks: [GENDER] });
  const counts = (male: number) => ({
    gender: [
      ['female', 100 - male],
      ['male', male],
    ] as [string, number][],
  });
  const data = {
    ...genderRun.data,
    train: { ...genderRun.data.train, labels: counts(90), groups: {} },
    validation: { ...genderRun.data.validation!, labels: counts(20), groups: {} },
  };
  const page = createReportPage([{ ...genderRun, data }], tools);
  const figure = page.split('data-figure="gender-balance"')[1]!.split('</figure>')[0]!;
  const measureLines = (color: string) =>
    Array.from(
      figure.matchAll(new RegExp(`<line stroke="${color}"[^>]* x2="([\\d.]+)" x1="([\\d.]+)"`, 'g')),
    ).map(([, to, from]) => Number(to) - Number(from));
  const [blue, orange] = [measureLines('#4269d0'), measureLines('#e8590c')];
  expect(blue[0]! / orange[0]!).toBeCloseTo(4.5, 1); // The label male has 90 % of the training images and 20 % of the validation images.
});
