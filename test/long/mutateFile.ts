import fc from 'fast-check';
import { equalBytes } from '../../src/core/arrays.js';
import { createRng, type Rng } from '../../src/core/rng.js';
import { type Mutation, mutation, share } from '../bad-input/mutations.js';

const toOffset = (file: Uint8Array, at: number) => Math.floor(at * file.length);

const bitFlips = fc
  .array(fc.tuple(share, fc.integer({ min: 0, max: 7 })), { minLength: 1, maxLength: 3 })
  .map(
    (flips): Mutation =>
      (file) => {
        const changed = file.slice();
        for (const [at, bit] of flips) changed[toOffset(file, at)]! ^= 1 << bit;
        return changed;
      },
  );

/** Removes a range, repeats it, or inserts it at another position. All later bytes move. */
const splices = fc
  .tuple(share, share, fc.integer({ min: 1, max: 200 }), fc.constantFrom('remove', 'repeat', 'insert'))
  .map(
    ([from, to, size, kind]): Mutation =>
      (file) => {
        const start = toOffset(file, from);
        const range = file.subarray(start, start + size);
        const target = kind === 'insert' ? toOffset(file, to) : start;
        const parts =
          kind === 'remove'
            ? [file.subarray(0, start), file.subarray(start + size)]
            : [file.subarray(0, target), range, file.subarray(target)];
        return new Uint8Array(Buffer.concat(parts));
      },
  );

/** Swaps two aligned numbers of the same width, for example two sizes or two addresses. */
const swaps = fc.tuple(share, share, fc.constantFrom(1, 2, 4, 8)).map(
  ([a, b, width]): Mutation =>
    (file) => {
      const changed = file.slice();
      const [first, second] = [a, b].map((at) => Math.floor(toOffset(file, at) / width) * width) as [
        number,
        number,
      ];
      changed.set(file.subarray(second, Math.min(second + width, file.length - first + second)), first);
      changed.set(file.subarray(first, Math.min(first + width, file.length - second + first)), second);
      return changed;
    },
);

// Without a bias towards small numbers, which would mutate mostly the first bytes.
const byteMutation = fc.noBias(fc.oneof({ weight: 3, arbitrary: mutation }, bitFlips, splices, swaps));

/** JSON texts that replace a value: other types, huge sizes, and names of properties that all objects have. */
const JSON_VALUES = [
  ...[
    'null',
    'true',
    '-1',
    '0',
    '1.5',
    '1e9',
    '2147483648',
    '9007199254740993',
    '1e308',
    '1e999',
    '""',
    '[]',
  ],
  ...[
    '{}',
    '[null]',
    '[[]]',
    '"constructor"',
    '"__proto__"',
    '{"__proto__": {"x": 1}}',
    '"../../x"',
    '[-1, -1]',
  ],
  ...[
    '"\\u0000\\u001b[31m"',
    `"${'x'.repeat(100_000)}"`,
    `${'['.repeat(5000)}${']'.repeat(5000)}`,
    `${'{"a":'.repeat(3000)}1${'}'.repeat(3000)}`,
    '[1e9, 1e9]',
  ],
];

type JsonPath = readonly (string | number)[];

function findPaths(value: unknown, path: JsonPath = []): JsonPath[] {
  if (typeof value !== 'object' || value === null) return [path];
  const keys = Array.isArray(value) ? [...value.keys()] : Object.keys(value);
  return [path, ...keys.flatMap((key) => findPaths((value as never)[key], [...path, key]))];
}

const MARK = '@replaced@';

/** Replaces, removes, copies or renames one to three values of a JSON text. */
function mutateJson(text: string, random: Rng): string {
  const root = { value: JSON.parse(text) };
  const texts: string[] = [];
  for (let count = 1 + random.nextInt(3); count > 0; count--) {
    const paths = findPaths(root).slice(1);
    const path = paths[random.nextInt(paths.length)]!;
    const parent = path.slice(0, -1).reduce<any>((part, step) => part[step], root);
    const key = path.at(-1)!;
    const action = random.nextInt(6);
    if (action === 0 && path.length > 1) {
      if (Array.isArray(parent)) parent.splice(key as number, 1);
      else delete parent[key];
    } else if (action === 1) {
      const other = paths[random.nextInt(paths.length)]!;
      parent[key] = structuredClone(other.reduce<any>((part, step) => part[step], root));
    } else if (action === 2 && path.length > 1) {
      if (Array.isArray(parent)) parent.push(parent[key as number]);
      else parent[`${key}x`] = parent[key];
    } else if (action === 3 && typeof parent[key] === 'number') {
      parent[key] *= [2, -1, 1000, 0.5][random.nextInt(4)]!;
    } else {
      parent[key] = `${MARK}${texts.length}@`;
      texts.push(JSON_VALUES[random.nextInt(JSON_VALUES.length)]!);
    }
  }
  const copy = JSON.stringify(root.value) ?? 'null';
  return copy.replace(new RegExp(`"${MARK}(\\d+)@"`, 'g'), (_, i) => texts[Number(i)]!);
}

/** Returns the mutation with this seed and number of a file. The contents of JSON files are also changed as values. */
export function mutateFile(file: Uint8Array, isJson: boolean, seed: number, index: number): Uint8Array {
  const random = createRng(seed, 'mutation', index);
  if (isJson && random.next() < 0.7)
    return new TextEncoder().encode(mutateJson(new TextDecoder().decode(file), random));
  for (;;) {
    const [mutate] = fc.sample(byteMutation, { seed: random.nextInt(2 ** 31), numRuns: 1 });
    const changed = mutate!(file);
    if (!equalBytes(changed, file)) return changed;
  }
}
