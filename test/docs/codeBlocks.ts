import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

/** Program in the documentation. */
export interface CodeBlock {
  /** File and line of the first fence: `src/augment/affine.ts:52`. */
  readonly location: string;
  /** Text of the program, without the asterisks of a comment. */
  readonly code: string;
  /** Line number in the file for each line of the code. */
  readonly lines: readonly number[];
}

const START = /^\s*(?:\* ?)?```ts$/;
const END = /^\s*(?:\* ?)?```$/;

/** Returns all fenced `ts` blocks in the doc comments in `src`, in the README and in the guides. */
export function findCodeBlocks(root: string): CodeBlock[] {
  const findFiles = (folder: string, extension: string) =>
    existsSync(join(root, folder))
      ? readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' })
          .filter((name) => name.endsWith(extension))
          .map((name) => `${folder}/${name}`)
          .sort()
      : [];
  const read = (file: string) => readFileSync(join(root, file), 'utf8');
  return [
    ...findFiles('src', '.ts').flatMap((file) => parseBlocks(file, read(file), /^\s*\* ?/)),
    ...['README.md', ...findFiles('docs/guides', '.md')].flatMap((file) =>
      joinPrograms(parseBlocks(file, read(file), /^/)),
    ),
  ];
}

/** Returns the code blocks in a file. `margin` matches the text before the code in a line. */
function parseBlocks(file: string, text: string, margin: RegExp): CodeBlock[] {
  const blocks: CodeBlock[] = [];
  let block: { location: string; code: string[]; lines: number[] } | undefined;
  text.split('\n').forEach((line, i) => {
    if (block && END.test(line)) {
      blocks.push({ ...block, code: `${block.code.join('\n')}\n` });
      block = undefined;
    } else if (block) {
      block.code.push(line.replace(margin, ''));
      block.lines.push(i + 1);
    } else if (START.test(line)) {
      block = { location: `${file}:${i + 1}`, code: [], lines: [] };
    }
  });
  if (block)
    throw new Error(`${block.location}: expected the end of the block, received the end of the file`);
  return blocks;
}

/** Joins the code blocks of a page into programs. A block that starts with an import starts a program, and every other block continues the program above. */
function joinPrograms(blocks: readonly CodeBlock[]): CodeBlock[] {
  const programs: CodeBlock[] = [];
  for (const block of blocks) {
    const last = programs.at(-1);
    if (last && !block.code.startsWith('import '))
      programs[programs.length - 1] = {
        location: last.location,
        code: last.code + block.code,
        lines: [...last.lines, ...block.lines],
      };
    else programs.push(block);
  }
  return programs;
}
