import { beforeAll, describe, expect, test } from 'vitest';
import { memoryStore } from '../../src/entries/node.js';
import { loadReportTools } from '../../src/node/report/writeReport.js';
import type { ReportTools } from '../../src/report/index.js';
import { createModelCard, createReport, createReportPage, readRunRecord } from '../../src/report/index.js';
import { AGE, GENDER, GRADE, HOSTILE, madeRun } from './runs.js';

let tools: ReportTools;
beforeAll(async () => {
  tools = await loadReportTools();
});

const bytes = (text: string) => new TextEncoder().encode(text);
/** The words a reader sees: tags and styles taken out. */
const words = (page: string) => page.replace(/<style>.*?<\/style>/gs, '').replace(/<[^>]*>/g, ' ');

describe('a page', () => {
  test('is the same to the byte for the same record', async () => {
    const again = await loadReportTools();
    expect(createReportPage([madeRun({ tasks: [AGE, GENDER, GRADE] })], tools)).toBe(
      createReportPage([madeRun({ tasks: [AGE, GENDER, GRADE] })], again),
    );
  });

  test('shows what each kind of task asks for, and groups with intervals', () => {
    const { page, figures } = createReport([madeRun({ tasks: [AGE, GENDER, GRADE] })], tools);
    expect(figures.map(({ name }) => name)).toEqual([
      ...[
        'age-loss-curves',
        'age-mae-curves',
        'gender-loss-curves',
        'gender-accuracy-curves',
        'grade-loss-curves',
        'grade-accuracy-curves',
      ],
      ...['learning-rate', 'seconds', 'age-predicted', 'age-errors', 'age-bands', 'age-by-race'],
      ...[
        'gender-confusion',
        'gender-reliability',
        'gender-by-race',
        'grade-confusion',
        'grade-reliability',
        'grade-by-race',
      ],
      ...['age-balance', 'gender-balance', 'grade-balance', 'race-balance', 'architecture'],
    ]);
    for (const { name } of figures) expect(page).toContain(`data-figure="${name}"`);
    expect(page).toContain('asian');
    expect(page).toContain('error and bias');
  });

  test('says no number of more than seven digits, and no NaN, undefined or [object', () => {
    const page = words(createReportPage([madeRun({ tasks: [AGE, GENDER, GRADE] })], tools));
    expect(page.match(/\d\.\d{5,}|\d{8,}|NaN|undefined|\[object/g)).toBe(null);
    expect(page).toContain('0.3'); // 0.1 + 0.2
  });

  test('says what is missing: a task without history, validation that was not, values that are no numbers, names left out', () => {
    const run = madeRun({ tasks: [GRADE, AGE], images: 60, groups: (i) => ({ race: `group ${i % 20}` }) });
    const rows = run.rows.map((row) => {
      const entries = Object.entries(row).filter(([name]) => !/grade|^val_/.test(name));
      return {
        ...Object.fromEntries(entries),
        epoch: row.epoch,
        ...(row.epoch > 8 && { age_mae: Number.NaN }),
      };
    });
    const { page, figures } = createReport([{ ...run, rows, monitor: 'loss' }], tools);
    expect(words(page)).toContain('The history has no number of grade.');
    expect(words(page)).toContain('2 epochs from 9 to 10 have values that are not numbers');
    expect(words(page)).toContain('The 12 of most images, of 20.');
    expect(figures.map(({ name }) => name)).not.toContain('grade-loss-curves');
    expect(page).not.toMatch(/<th scope="col">(?:validation|not augmented)</);
    expect(page).toMatch(/class="legend">.*?training/); // of the second task
  });

  test('of many runs lists their arguments down the page; what was not validated is told as training', () => {
    const runs = Array.from({ length: 6 }, (_, seed) => ({
      ...madeRun({ name: `seed ${seed}`, tasks: [AGE] }),
      arguments: { seed, own: { dropout: seed / 10, filters: [64, 128] }, rate: 0.1 + 0.2 },
    }));
    const [first, ...others] = runs;
    const training = first!.rows.map((row) => {
      const entries = Object.entries(row).filter(([name]) => !/^val_/.test(name));
      return { ...Object.fromEntries(entries), epoch: row.epoch };
    });
    const page = words(createReportPage([{ ...first!, rows: training, monitor: 'loss' }, ...others], tools));
    expect(page).toMatch(
      /Where their arguments differ\s+seed\s+own\s+1\.\s+0\s+dropout 0, filters 64 and 128/,
    );
    expect(page).toMatch(/1\. seed 0\s+10\s+[\d.]+\s+[\d.]+\s+\(training\)/);
    expect(page.match(/\(training\)/g)).toHaveLength(1);
  });

  test('compares several runs by a table and overlaid curves, and every name of a figure is there once', () => {
    const { page, figures } = createReport(
      [madeRun({ name: 'first' }), madeRun({ name: 'second', epochs: 3, tasks: [AGE] })],
      tools,
    );
    const names = figures.map(({ name }) => name);
    expect(new Set(names).size).toBe(names.length);
    expect(names.slice(0, 4)).toEqual([
      'compare-age-loss',
      'compare-age-mae',
      'compare-gender-loss',
      'compare-gender-accuracy',
    ]);
    expect(words(page)).toContain('1. first');
    expect(words(page)).toContain('2. second');
    expect(words(page)).toMatch(/Where their arguments differ.*?epochs\s+10\s+3/s);
  });
});

describe('what is not as it should be still renders:', () => {
  const cases = {
    'no epoch': madeRun({ epochs: 0, images: 0 }),
    'one epoch': madeRun({ epochs: 1 }),
    '300 epochs': madeRun({ epochs: 300, images: 20 }),
    'values that are not numbers': madeRun({
      row: (row) =>
        Object.fromEntries(
          Object.keys(row).map((name) => [name, name === 'epoch' ? row.epoch : Number.NaN]),
        ) as never,
    }),
    'infinite losses': madeRun({
      row: (row) => ({ ...row, age_loss: Number.POSITIVE_INFINITY, val_age_mae: 1e300 }),
    }),
    'columns that are missing': madeRun({ row: ({ epoch }) => ({ epoch, loss: 3 }) as never }),
    'a task without any answer': { ...madeRun(), answers: madeRun({ tasks: [GENDER] }).answers },
    'answers that are not numbers': {
      ...madeRun(),
      answers: madeRun().answers.map((one) => ({
        ...one,
        answers: { age: Number.NaN, gender: [Number.NaN, Number.NaN] },
      })),
    },
    'one image': madeRun({ images: 1 }),
    'equal values everywhere': {
      ...madeRun(),
      answers: madeRun().answers.map((one) => ({
        ...one,
        labels: { age: 5, gender: 'male' },
        answers: { age: 5, gender: [1, 0] },
      })),
    },
    'no validation': {
      ...madeRun({ row: ({ epoch }) => ({ epoch, loss: 1 / epoch, age_loss: 1, age_mae: 1 }) as never }),
      answers: [],
      monitor: 'loss',
    },
    'no layers': { ...madeRun(), architecture: { layers: [], parameters: 0, trainableParameters: 0 } },
    'no tasks': madeRun({ tasks: [] }),
    '60 labels': madeRun({
      tasks: [{ ...GRADE, labels: Array.from({ length: 60 }, (_, i) => `label ${i}`) }],
    }),
  };
  test.each(Object.entries(cases))('%s', (_, run) => {
    const page = createReportPage([run], tools);
    expect(page).toContain('</html>');
    expect(page).not.toMatch(/="[^"]*\b(?:NaN|undefined|Infinity)\b[^"]*"/);
    expect(createReportPage([run, madeRun()], tools)).toContain('</html>');
    expect(createModelCard(run)).toContain('## Results');
  });

  test('40 tasks, in less than 5 MB', () => {
    const tasks = Array.from({ length: 40 }, (_, i) => ({
      ...[AGE, GENDER, GRADE][i % 3]!,
      name: `task ${i}`,
    }));
    const page = createReportPage([madeRun({ tasks, epochs: 30 })], tools);
    expect(page.length).toBeLessThan(5e6);
    expect(words(page)).toContain('task 39');
  });
});

describe('a record that is read', () => {
  const stored = async (record: object, csv?: string) => {
    const store = memoryStore('run');
    await store.write('run.json', bytes(JSON.stringify(record)));
    if (csv !== undefined) await store.write('history.csv', bytes(csv));
    return store;
  };
  const { images: _, ...record } = madeRun();

  test('is the record that was written', async () => {
    expect(await readRunRecord(await stored(record))).toEqual({ ...record, images: new Map() });
  });

  test('takes the rows of a run that goes on from history.csv, without an unfinished last line', async () => {
    const { stopped: __, ...running } = record;
    const { rows } = await readRunRecord(
      await stored({ ...running, rows: [] }, 'epoch,loss,val_loss\n1,3,4\n2,NaN,\n3,2.7'),
    );
    expect(rows).toEqual([
      { epoch: 1, loss: 3, val_loss: 4 },
      { epoch: 2, loss: Number.NaN },
    ]);
  });

  test('reads NaN where JSON has null', async () => {
    const { rows } = await readRunRecord(await stored({ ...record, rows: [{ epoch: 1, loss: Number.NaN }] }));
    expect(rows).toEqual([{ epoch: 1, loss: Number.NaN }]);
  });

  test.each([
    ['no JSON', '{"format": 1,', 'JSON'],
    ['another format', JSON.stringify({ ...record, format: 2 }), 'format'],
    ['text for a list', JSON.stringify({ ...record, answers: 'many' }), 'answers'],
    [
      'a task of another kind',
      JSON.stringify({ ...record, tasks: [{ ...AGE, kind: 'oracle' }] }),
      'tasks[0].kind',
    ],
    ['a list', '[]', 'a record'],
  ])('that is %s is a fault that says where', async (_name, text, place) => {
    const store = memoryStore('run');
    await store.write('run.json', bytes(text));
    await expect(readRunRecord(store)).rejects.toMatchObject({
      kind: 'file',
      path: 'run/run.json',
      expected: expect.stringContaining(place),
    });
  });

  test('loses answers that do not fit their task', async () => {
    const [first] = record.answers;
    const answers = [
      { ...first, answers: { age: [1, 2], gender: [1] }, labels: { age: 'old', gender: 'neither' } },
    ];
    expect((await readRunRecord(await stored({ ...record, answers }))).answers).toEqual([
      { ...first, answers: {}, labels: {} },
    ]);
  });

  test('takes no picture from outside its folder, and none that is no picture', async () => {
    const run = {
      ...record,
      pictures: [
        { id: '0.jpg', file: '../../secret.jpg' },
        { id: '1.jpg', file: 'pictures/1.jpg' },
      ],
    };
    const store = await stored(run);
    await store.write('pictures/1.jpg', bytes('<script>'));
    const read = await readRunRecord(store);
    expect([...read.images.keys()]).toEqual(['pictures/1.jpg']);
    expect(createReportPage([read], tools)).not.toContain('<img');
  });
});

describe('hostile text', () => {
  const hostile = (i: number) => HOSTILE[i % HOSTILE.length]!;
  const run = madeRun({
    name: HOSTILE[0]!,
    tasks: [
      { ...AGE, name: HOSTILE[1]!, unit: HOSTILE[2]! },
      { ...GRADE, name: HOSTILE[3]!, labels: HOSTILE, metrics: ['accuracy'] },
    ],
    id: (i) => `${i}${hostile(i)}`,
    groups: (i) => ({ [HOSTILE[5]!]: hostile(i), race: hostile(i) }),
  });
  const whole = {
    ...run,
    remarks: HOSTILE,
    arguments: Object.fromEntries(HOSTILE.map((text) => [text, text])),
    versions: Object.fromEntries(HOSTILE.map((text) => [text, text])),
    engine: { name: HOSTILE[0]!, reason: HOSTILE[1]! },
  };

  test('makes no element of its own', () => {
    const page = createReportPage([whole], tools);
    const tags = new Set(Array.from(page.matchAll(/<([a-z]+)[\s>]/gi), ([, tag]) => tag!.toLowerCase()));
    for (const tag of ['script', 'iframe', 'img', 'object', 'embed', 'base', 'form'])
      expect(tags).not.toContain(tag);
    expect(page).toContain('&lt;script&gt;');
    // biome-ignore lint/suspicious/noControlCharactersInRegex: these are what is looked for
    expect(page).not.toMatch(/[\u0000-\u0008\u000b-\u001f\u202e]|[\ud800-\udbff](?![\udc00-\udfff])/);
  });

  test('makes figures that are well-formed and names that are names of files', () => {
    for (const { name, svg } of createReport([whole], tools).figures) {
      expect(name).toMatch(/^[\p{L}\p{N}_-]+(?:…[\p{L}\p{N}_-]+)?$/u);
      expect(svg.match(/<script|<iframe|<img/)).toBe(null);
    }
  });

  test('is text in a model card', () => {
    const card = createModelCard(whole);
    expect(card).not.toMatch(/(?<!\\)<(?!!-- (?:yours|end))/);
  });
});

describe('a model card', () => {
  const between = (card: string, part: string) =>
    card.split(`<!-- yours: ${part} -->`)[1]!.split('<!-- end -->')[0]!.trim();

  test('keeps what its user wrote', () => {
    const first = createModelCard(madeRun());
    const edited = first.replace(
      '<!-- yours: contact -->\nTo be filled in.',
      '<!-- yours: contact -->\n## Whom to ask\n\nme@example.com, any day',
    );
    const second = createModelCard(madeRun({ epochs: 3 }), edited);
    expect(between(second, 'contact')).toBe('## Whom to ask\n\nme@example.com, any day');
    expect(second).toContain('epoch 3 of 3');
    expect(createModelCard(madeRun(), edited)).toBe(edited);
    expect(createModelCard(madeRun(), edited.replaceAll('\n', '\r\n'))).toContain('me@example.com, any day');
  });

  test.each(['intended use', 'not intended', 'known limits', 'licence of the model', 'contact'])(
    'keeps %s when its end was lost, and nothing else with it',
    (part) => {
      const first = createModelCard(madeRun());
      const open = `<!-- yours: ${part} -->`;
      const [head, tail] = first.split(open) as [string, string];
      const broken = `${head}${open}\nMine.${tail.slice(tail.indexOf('<!-- end -->') + '<!-- end -->'.length)}`;
      expect(between(createModelCard(madeRun(), broken), part)).toBe('Mine.');
      expect(createModelCard(madeRun(), broken).length).toBeLessThanOrEqual(first.length);
    },
  );

  test('says arguments, versions and groups as the page does, and each thing once', () => {
    const run = {
      ...madeRun({ images: 90, groups: (i) => ({ race: `group ${i % 30}` }) }),
      arguments: { engine: 'auto', rate: 0.1 + 0.2, own: { dropout: 0.3 } },
      remarks: ['- no list', '1. none either'],
    };
    const card = createModelCard(run);
    expect(card).toContain('- rate: 0.3\n- own: dropout 0.3\n- ran on: wasm\n- ended: finished');
    expect(card.match(/^- engine: /gm)).toHaveLength(1);
    expect(card).toContain('### Versions\n\n- tfjs-multitask: 0.1.0');
    expect(card).toContain(
      '| age by race | images | mean absolute error (years) | bias (predicted minus true) |',
    );
    expect(card).toContain('The 12 of most images, of 30.');
    expect(card).toContain('The 20 of most images, of 30.');
    expect(card).toContain('\n\\- no list\n');
    expect(card).toContain('\n1\\. none either\n');
    expect(card).toContain('- Parameters: 386\n');
    const rows = run.rows.map(({ epoch }) => ({ epoch, loss: 1 / epoch }));
    const { validation: _, ...data } = run.data;
    expect(createModelCard({ ...run, rows, data, answers: [], monitor: 'loss' })).toContain(
      '| task | metric | training |\n',
    );
  });
});
