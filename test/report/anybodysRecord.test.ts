import fc from 'fast-check';
import { beforeAll, describe, expect, test } from 'vitest';
import { memoryStore } from '../../src/entries/node.js';
import { loadReportTools } from '../../src/node/report/writeReport.js';
import {
  createModelCard,
  createReportPage,
  type ReportTools,
  readRunRecord,
} from '../../src/report/index.js';
import { AGE, GENDER, GRADE, madeRun } from './runs.js';

let tools: ReportTools;
beforeAll(async () => {
  tools = await loadReportTools();
});

const { images: _, ...record } = madeRun({ tasks: [AGE, GENDER, GRADE], images: 3, epochs: 3 });

async function readFrom(text: string) {
  const store = memoryStore('run');
  await store.write('run.json', new TextEncoder().encode(text));
  return readRunRecord(store);
}

/** What a page must not say, its own style aside. */
const UNSAID = /\bundefined\b|\bNaN[×\d]|\[object|function |="[^"]*\b(?:NaN|Infinity)\b[^"]*"/;

type Path = readonly (string | number)[];

/** Every place of a record, of a list the first two. */
function placesIn(value: unknown, at: Path = []): Path[] {
  if (typeof value !== 'object' || value === null) return [at];
  const keys = Array.isArray(value) ? [...value.keys()].slice(0, 2) : Object.keys(value);
  return [at, ...keys.flatMap((key) => placesIn((value as never)[key], [...at, key]))];
}

function changed(path: Path, json: string): string {
  const copy = JSON.parse(JSON.stringify(record));
  const inner = path.slice(0, -1).reduce((part, key) => part[key], copy);
  inner[path.at(-1)!] = '@here@';
  return JSON.stringify(copy).replace('"@here@"', json);
}

describe('a record of anybody', () => {
  test('with any one part replaced is drawn, or is a fault of its file', async () => {
    const json = fc.oneof(
      fc.constantFrom(
        ...['null', '-1', '1.5', '1e308', '1e999', '""', '[]', '{}', 'true', '[null]', '[[]]'],
        ...['"constructor"', '"__proto__"', '{"__proto__": {"x": 1}}', '["toString"]'],
      ),
      fc.json({ maxDepth: 2 }),
    );
    const places = placesIn(record).slice(1);
    expect(places.length).toBeGreaterThan(150);
    await fc.assert(
      fc.asyncProperty(fc.constantFrom(...places), json, async (path, value) => {
        const run = await readFrom(changed(path, value)).catch((error) => {
          expect(error).toMatchObject({ kind: 'file', path: 'run/run.json' });
          return undefined;
        });
        if (!run) return;
        const page = createReportPage([run], tools).replace(/<style>.*?<\/style>/s, '');
        if (!/undefined|NaN|function|object/.test(value)) expect(UNSAID.exec(page)?.[0]).toBeUndefined();
        createModelCard(run);
      }),
      { numRuns: 150 },
    );
  });

  test.each([
    ['architecture.layers.1.calls.0.0.call', '1.5', 'architecture.layers[1].calls[0][0].call'],
    ['data.shape', '[null]', 'data.shape'],
    ['data.train.size', '-3', 'data.train.size'],
    ['rows.1.epoch', 'null', 'rows[1].epoch'],
    ['tasks.1.labels', '[]', 'tasks[1].labels'],
    ['data.train.groups.race.0.1', '1e300', 'data.train.groups.race[0][1]'],
  ])('with a %s of %s is a fault that says where', async (path, value, where) => {
    const keys = path.split('.').map((key) => (/^\d+$/.test(key) ? Number(key) : key));
    await expect(readFrom(changed(keys, value))).rejects.toMatchObject({
      kind: 'file',
      expected: expect.stringContaining(where),
    });
  });

  test('whose task is named as what every object has, without labels or answers, is drawn', async () => {
    for (const name of ['constructor', '__proto__', 'toString']) {
      const tasks = [
        { ...GENDER, name },
        { ...AGE, name: `${name} 2` },
      ];
      const text = JSON.stringify({ ...record, tasks, monitor: name });
      const page = createReportPage([await readFrom(text)], tools);
      expect(page).toContain('No validation image has both a label and an answer');
      expect(page).toContain(`No epoch has a ${name} that is a number`);
    }
    expect(({} as { x?: number }).x).toBeUndefined();
  });

  test('loses probabilities that are none', async () => {
    const [first] = record.answers;
    const answers = [{ ...first!, answers: { ...first!.answers, gender: [-3, 4] } }];
    const run = await readFrom(JSON.stringify({ ...record, answers }));
    expect(Object.keys(run.answers[0]!.answers)).toEqual(['age', 'grade']);
  });

  test('has no more pictures read than a page opens with', async () => {
    const store = memoryStore('run');
    const files = Array.from({ length: 700 }, (_, i) => `pictures/${i}.jpg`);
    for (const file of files) await store.write(file, new Uint8Array([0xff, 0xd8, 0xff]));
    const pictures = files.map((file) => ({ id: file, file }));
    await store.write('run.json', new TextEncoder().encode(JSON.stringify({ ...record, pictures })));
    expect((await readRunRecord(store)).images.size).toBe(500);
  });

  test('shows no picture that is too large to be a small one', async () => {
    const store = memoryStore('run');
    const pictures = [200_000, 200_001].map((size) => ({ id: '0.jpg', file: `pictures/${size}.jpg`, size }));
    for (const { file, size } of pictures) await store.write(file, new Uint8Array(size).fill(0xff));
    await store.write('run.json', new TextEncoder().encode(JSON.stringify({ ...record, pictures })));
    expect([...(await readRunRecord(store)).images.keys()]).toEqual(['pictures/200000.jpg']);
  });

  test('of a run that has ended is not changed by a history.csv', async () => {
    const store = memoryStore('run');
    await store.write('run.json', new TextEncoder().encode(JSON.stringify(record)));
    await store.write('history.csv', new TextEncoder().encode('epoch,loss\n1,3\n'));
    expect((await readRunRecord(store)).rows).toHaveLength(3);
  });
});
