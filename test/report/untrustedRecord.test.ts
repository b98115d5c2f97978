import fc from 'fast-check';
import { beforeAll, describe, expect, test } from 'vitest';
import { memoryStore } from '../../src/entries/node.js';
import { loadReportTools } from '../../src/node/report/reportTools.js';
import {
  createModelCard,
  createReportPage,
  type ReportTools,
  readRunRecord,
} from '../../src/report/index.js';
import { AGE, createRun, GENDER, GRADE } from './createRun.js';

let tools: ReportTools;
beforeAll(async () => {
  tools = await loadReportTools();
});

const { images: _, ...record } = createRun({ tasks: [AGE, GENDER, GRADE], images: 3, epochs: 3 });

async function readFrom(text: string) {
  const store = memoryStore('run');
  await store.write('run.json', new TextEncoder().encode(text));
  return readRunRecord(store);
}

/** Text that a page must not contain outside its style sheet. */
const FORBIDDEN_TEXT = /\bundefined\b|\bNaN[×\d]|\[object|function |="[^"]*\b(?:NaN|Infinity)\b[^"]*"/;

type Path = readonly (string | number)[];

/** Returns the paths of all values in a record, but for lists only those of the first two items. */
function findPaths(value: unknown, path: Path = []): Path[] {
  if (typeof value !== 'object' || value === null) return [path];
  const keys = Array.isArray(value) ? [...value.keys()].slice(0, 2) : Object.keys(value);
  return [path, ...keys.flatMap((key) => findPaths((value as never)[key], [...path, key]))];
}

/** Returns the JSON text of the record with a different value at one path. */
function replaceValue(path: Path, json: string): string {
  const copy = JSON.parse(JSON.stringify(record));
  const parent = path.slice(0, -1).reduce((part, key) => part[key], copy);
  parent[path.at(-1)!] = '@here@';
  return JSON.stringify(copy).replace('"@here@"', json);
}

describe('a run record from an untrusted source', () => {
  test('is either drawn by createReportPage or rejected by readRunRecord with a file error if any of its values is replaced', async () => {
    const json = fc.oneof(
      fc.constantFrom(
        ...['null', '-1', '1.5', '1e308', '1e999', '""', '[]', '{}', 'true', '[null]', '[[]]'],
        ...['"constructor"', '"__proto__"', '{"__proto__": {"x": 1}}', '["toString"]'],
      ),
      fc.json({ maxDepth: 2 }),
    );
    const paths = findPaths(record).slice(1);
    expect(paths.length).toBeGreaterThan(150);
    await fc.assert(
      fc.asyncProperty(fc.constantFrom(...paths), json, async (path, value) => {
        const run = await readFrom(replaceValue(path, value)).catch((error) => {
          expect(error).toMatchObject({ kind: 'file', path: 'run/run.json' });
          return undefined;
        });
        if (!run) return;
        const page = createReportPage([run], tools).replace(/<style>.*?<\/style>/s, '');
        if (!/undefined|NaN|function|object/.test(value))
          expect(FORBIDDEN_TEXT.exec(page)?.[0]).toBeUndefined();
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
  ])(
    'is rejected by readRunRecord if %s is %s, and the error reports the path of the value',
    async (path, value, errorPath) => {
      const keys = path.split('.').map((key) => (/^\d+$/.test(key) ? Number(key) : key));
      await expect(readFrom(replaceValue(keys, value))).rejects.toMatchObject({
        kind: 'file',
        expected: expect.stringContaining(errorPath),
      });
    },
  );

  test('is drawn by createReportPage and createModelCard if an argument is nested thousands of levels deep', async () => {
    for (const deep of [
      `${'['.repeat(5000)}${']'.repeat(5000)}`,
      `${'{"a":'.repeat(5000)}1${'}'.repeat(5000)}`,
    ]) {
      const run = await readFrom(replaceValue(['arguments', 'epochs'], deep));
      expect(createReportPage([run], tools)).toContain('…');
      createModelCard(run);
    }
  });

  test('is drawn by createReportPage if a task without predictions has the name of a built-in property', async () => {
    for (const name of ['constructor', '__proto__', 'toString']) {
      const tasks = [
        { ...GENDER, name },
        { ...AGE, name: `${name} 2` },
      ];
      const text = JSON.stringify({ ...record, tasks, monitor: name });
      const page = createReportPage([await readFrom(text)], tools);
      expect(page).toContain('No validation image has both a label and a finite prediction');
      expect(page).toContain(`No epoch has a numeric ${name}.`);
    }
    expect(({} as { x?: number }).x).toBeUndefined();
  });
});

describe('readRunRecord with a record from an untrusted source', () => {
  test('ignores probabilities outside the range from 0 to 1', async () => {
    const [first] = record.answers;
    const answers = [{ ...first!, answers: { ...first!.answers, gender: [-3, 4] } }];
    const run = await readFrom(JSON.stringify({ ...record, answers }));
    expect(Object.keys(run.answers[0]!.answers)).toEqual(['age', 'grade']);
  });

  test('ignores all images after the first 500', async () => {
    const store = memoryStore('run');
    const files = Array.from({ length: 700 }, (_, i) => `pictures/${i}.jpg`);
    for (const file of files) await store.write(file, new Uint8Array([0xff, 0xd8, 0xff]));
    const pictures = files.map((file) => ({ id: file, file }));
    await store.write('run.json', new TextEncoder().encode(JSON.stringify({ ...record, pictures })));
    expect((await readRunRecord(store)).images.size).toBe(500);
  });

  test('ignores images larger than 200,000 bytes', async () => {
    const store = memoryStore('run');
    const pictures = [200_000, 200_001].map((size) => ({ id: '0.jpg', file: `pictures/${size}.jpg`, size }));
    for (const { file, size } of pictures) await store.write(file, new Uint8Array(size).fill(0xff));
    await store.write('run.json', new TextEncoder().encode(JSON.stringify({ ...record, pictures })));
    expect([...(await readRunRecord(store)).images.keys()]).toEqual(['pictures/200000.jpg']);
  });

  test('ignores history.csv if the run has ended', async () => {
    const store = memoryStore('run');
    await store.write('run.json', new TextEncoder().encode(JSON.stringify(record)));
    await store.write('history.csv', new TextEncoder().encode('epoch,loss\n1,3\n'));
    expect((await readRunRecord(store)).rows).toHaveLength(3);
  });
});
