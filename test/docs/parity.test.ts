import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { LAYER_IMPORTERS } from '../../src/interop/keras/read/layers/layerImporters.js';
import { fixture } from '../parity/fixture.js';

/** Names in Keras by kind. */
const kerasNames = fixture<{ readonly [kind: string]: readonly string[] }>('names');
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

/** Reads the section of a kind: the name and status of each row, and the list of absent names. */
function readSection(kind: string) {
  const section = page.split(`\n### ${HEADINGS[kind]}\n`)[1]!.split(/\n##/)[0]!;
  const rows = [...section.matchAll(/^\| `(\w+)` +\| (\w+) +\|/gm)].map(
    ([, name, status]) => [name!, status!] as const,
  );
  const absent = [...section.split('\nAbsent: ')[1]!.matchAll(/`(\w+)`/g)].map(([, name]) => name!);
  return { rows, absent };
}

describe('docs/parity.md', () => {
  test.each(Object.keys(kerasNames))('lists each of the Keras %s exactly once', (kind) => {
    const { rows, absent } = readSection(kind);
    expect([...rows.map(([name]) => name), ...absent].sort()).toEqual([...kerasNames[kind]!].sort());
    expect(
      rows.filter(([, status]) => status !== 'same' && status !== 'differs' && status !== 'absent'),
    ).toEqual([]);
  });

  test('lists a layer as absent if and only if loadKeras cannot import it', () => {
    const { absent } = readSection('layers');
    const supported = kerasNames.layers!.filter(
      (name) => name === 'InputLayer' || Object.hasOwn(LAYER_IMPORTERS, name),
    );
    expect(absent.sort()).toEqual(kerasNames.layers!.filter((name) => !supported.includes(name)).sort());
  });
});
