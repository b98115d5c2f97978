import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { LAYER_IMPORTERS } from '../../src/interop/keras/read/layers/layerImporters.js';
import { fixture } from '../parity/fixture.js';

const names = fixture<{ readonly [kind: string]: readonly string[] }>('names');
const page = readFileSync(new URL('../../docs/parity.md', import.meta.url), 'utf8');
const HEADINGS: { readonly [kind: string]: string } = {
  layers: 'Layers',
  losses: 'Losses',
  metrics: 'Metrics',
  callbacks: 'Callbacks',
  optimizers: 'Optimizers',
  schedules: 'Schedules',
  initializers: 'Initializers',
};

/** What the page says of a kind: rows by status, and the list of what is absent. */
function said(kind: string) {
  const section = page.split(`\n### ${HEADINGS[kind]}\n`)[1]!.split(/\n##/)[0]!;
  const rows = [...section.matchAll(/^\| `(\w+)` +\| (\w+) +\|/gm)].map(
    ([, name, status]) => [name!, status!] as const,
  );
  const absent = [...section.split('\nAbsent: ')[1]!.matchAll(/`(\w+)`/g)].map(([, name]) => name!);
  return { rows, absent };
}

describe('docs/parity.md', () => {
  test.each(Object.keys(names))('speaks of each of the %s of Keras, once', (kind) => {
    const { rows, absent } = said(kind);
    expect([...rows.map(([name]) => name), ...absent].sort()).toEqual([...names[kind]!].sort());
    expect(
      rows.filter(([, status]) => status !== 'same' && status !== 'differs' && status !== 'absent'),
    ).toEqual([]);
  });

  test('calls those layers absent that no file is read with', () => {
    const { absent } = said('layers');
    const read = names.layers!.filter(
      (name) => name === 'InputLayer' || Object.hasOwn(LAYER_IMPORTERS, name),
    );
    expect(absent.sort()).toEqual(names.layers!.filter((name) => !read.includes(name)).sort());
  });
});
