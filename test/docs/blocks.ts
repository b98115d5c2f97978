import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

/** A program that the documentation shows. */
export interface Block {
  /** Where it stands: `src/augment/augment.ts:52`, the line of its first fence. */
  readonly place: string;
  /** As written, the comment's stars taken off. */
  readonly code: string;
  /** For each line of the code, its line in the file. */
  readonly lines: readonly number[];
}

const OPEN = /^\s*(?:\* ?)?```ts$/;
const CLOSE = /^\s*(?:\* ?)?```$/;

/** Every fenced `ts` block of the docstrings in `src`, of the README and of the guides. */
export function blocksOf(root: string): Block[] {
  const below = (folder: string, ending: string) =>
    existsSync(join(root, folder))
      ? readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' })
          .filter((name) => name.endsWith(ending))
          .map((name) => `${folder}/${name}`)
          .sort()
      : [];
  const read = (name: string) => readFileSync(join(root, name), 'utf8');
  return [
    ...below('src', '.ts').flatMap((name) => fencedIn(name, read(name), /^\s*\* ?/)),
    ...['README.md', ...below('docs/guides', '.md')].flatMap((name) =>
      joined(fencedIn(name, read(name), /^/)),
    ),
  ];
}

function fencedIn(name: string, text: string, margin: RegExp): Block[] {
  const blocks: Block[] = [];
  let open: { place: string; code: string[]; lines: number[] } | undefined;
  text.split('\n').forEach((line, i) => {
    if (open && CLOSE.test(line)) {
      blocks.push({ ...open, code: `${open.code.join('\n')}\n` });
      open = undefined;
    } else if (open) {
      open.code.push(line.replace(margin, ''));
      open.lines.push(i + 1);
    } else if (OPEN.test(line)) {
      open = { place: `${name}:${i + 1}`, code: [], lines: [] };
    }
  });
  if (open) throw new Error(`${open.place}: the block has no end`);
  return blocks;
}

/** On a page, a block that begins with an import begins a program; one that does not goes on with the program before it. */
function joined(blocks: readonly Block[]): Block[] {
  const programs: Block[] = [];
  for (const block of blocks) {
    const last = programs.at(-1);
    if (last && !block.code.startsWith('import '))
      programs[programs.length - 1] = {
        place: last.place,
        code: last.code + block.code,
        lines: [...last.lines, ...block.lines],
      };
    else programs.push(block);
  }
  return programs;
}
