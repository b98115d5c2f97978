import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { expect, test } from 'vitest';

const SOURCE = new URL('../../src', import.meta.url).pathname;
/** From the bottom up: a folder imports from its own rank or a lower one, as docs/design says. */
const RANKS = [
  ['core'],
  ['augment', 'schedules', 'data'],
  ['tensor'],
  ['losses', 'metrics', 'optimizers'],
  ['layers', 'tasks'],
  ['models'],
  ['io'],
  ['backbones'],
  ['engines'],
  ['training'],
  ['callbacks', 'report', 'tuner'],
  ['node', 'browser'],
];
const rankOf = (path: string) => RANKS.findIndex((folders) => folders.includes(path.split('/')[0]!));

/** The two leaves know nothing of each other. */
const crosses = (from: string, to: string) =>
  [from, to].every((path) => /^(node|browser)\//.test(path)) && from.split('/')[0] !== to.split('/')[0];

const files = readdirSync(SOURCE, { recursive: true, encoding: 'utf8' })
  .filter((name) => name.endsWith('.ts') && name.includes('/'))
  .map((name) => {
    const text = readFileSync(join(SOURCE, name), 'utf8');
    const imports = [...text.matchAll(/^(?:import|export)\s+(type\s)?[^;]*?from '([^']+)'/gms)].map(
      ([, type, from]) => ({ type: type !== undefined, from: from! }),
    );
    return { name, imports };
  });

test('every folder has its rank', () => {
  expect(files.length).toBeGreaterThan(60);
  expect(files.filter(({ name }) => rankOf(name) < 0).map(({ name }) => name)).toEqual([]);
});

test('no import points to a higher rank', () => {
  const wrong = files.flatMap(({ name, imports }) =>
    imports
      .filter(({ from }) => from.startsWith('.'))
      .map(({ from }) => relative(SOURCE, join(SOURCE, dirname(name), from)))
      .filter((to) => rankOf(to) > rankOf(name) || crosses(name, to))
      .map((to) => `${name} -> ${to}`),
  );
  expect(wrong).toEqual([]);
});

test('values of tfjs enter through tensor/ alone, and node: through node/', () => {
  const wrong = files.flatMap(({ name, imports }) =>
    imports
      .filter(
        ({ type, from }) =>
          (from.startsWith('@tensorflow/') && !type && !name.startsWith('tensor/')) ||
          (from.startsWith('node:') && !name.startsWith('node/')),
      )
      .map(({ from }) => `${name} -> ${from}`),
  );
  expect(wrong).toEqual([]);
});
