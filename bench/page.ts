import type { About } from './contestant.js';
import { deviceOf } from './machine.js';
import { MEMORY_STEPS } from './memory.js';
import type { Result } from './race.js';

/** Everything that one run of the bench found. */
export interface Findings {
  /** `2026-11-25`. */
  readonly date: string;
  readonly command: string;
  readonly machine: string;
  readonly gpu: string | undefined;
  readonly rounds: number;
  readonly results: readonly Result[];
  /** By engine, in the order of the tables. */
  readonly about: ReadonlyMap<string, About>;
  /** Peak memory in bytes by engine. */
  readonly memory: ReadonlyMap<string, number>;
  readonly memoryRun: { readonly size: number; readonly batch: number; readonly images: number };
  /** Sentences: who is left out, and why. */
  readonly leftOut: readonly string[];
}

const NAMES: { readonly [engine: string]: string } = { keras: 'Keras', torch: 'PyTorch' };
const nameOf = (engine: string) => NAMES[engine] ?? engine;
const NONE = '-';

const BEGIN = '<!-- bench: what follows is written by `npm run bench -- --write` -->';
const END = '<!-- bench: end -->';

/** The page with its generated part replaced; everything else stays. */
export function withFigures(page: string, figures: string): string {
  const [begin, end] = [page.indexOf(BEGIN), page.indexOf(END)];
  if (begin < 0 || end < begin) {
    throw new Error(
      `docs/benchmarks.md: expected the lines "${BEGIN}" and "${END}", received a page without.`,
    );
  }
  return `${page.slice(0, begin)}${BEGIN}\n\n${figures.trim()}\n\n${page.slice(end)}`;
}

/** The generated part, as Markdown. */
export function figuresOf(findings: Findings): string {
  const { date, command, machine, gpu, rounds, leftOut } = findings;
  const batch = Math.max(...findings.results.map((result) => result.batch));
  return [
    `Measured on ${date} by \`${command}\`, in ${rounds} rounds. Machine: ${machine} GPU: ${gpu ?? 'none'}.`,
    'Milliseconds per image. "/ Keras": the minimum, divided by that of Keras.',
    `### Training step, batch ${batch}`,
    timesOf(findings, 'train', batch),
    `### Prediction, batch ${batch}`,
    timesOf(findings, 'predict', batch),
    '### Prediction, a single image',
    timesOf(findings, 'predict', 1),
    '### The first training step',
    firstSteps(findings),
    '### Peak memory',
    memoryOf(findings),
    '### Versions',
    table(
      ['engine', 'device', 'threads', 'versions'],
      [...findings.about].map(([engine, about]) => {
        const versions = Object.entries(about.versions).map(([name, version]) => `${name} ${version}`);
        return [nameOf(engine), deviceOf(about, gpu), about.threads, versions.join(', ')];
      }),
    ),
    '### Left out',
    leftOut.length === 0 ? 'Nobody.' : leftOut.map((line) => `- ${line}`).join('\n'),
  ].join('\n\n');
}

function timesOf({ results, about, gpu }: Findings, what: Result['what'], batch: number): string {
  const own = results.filter((result) => result.what === what && result.batch === batch);
  const sizes = sizesOf(own);
  const of = (engine: string, size: number) =>
    own.find((result) => result.engine === engine && result.size === size);
  const titles = sizes.flatMap((size) => [`${size}x${size} minimum`, 'median', '/ Keras']);
  const rows = enginesOf(own).map((engine) => [
    nameOf(engine),
    deviceOf(about.get(engine)!, gpu),
    ...sizes.flatMap((size) => {
      const [result, keras] = [of(engine, size), of('keras', size)];
      const ratio = result && keras ? (result.ms / keras.ms).toFixed(2) : NONE;
      return [result ? number(result.ms) : NONE, result ? number(result.median) : NONE, ratio];
    }),
  ]);
  return table(['engine', 'device', ...titles], rows);
}

/** What the first step took beyond a later one. */
function firstSteps({ results }: Findings): string {
  const own = results.filter(({ what }) => what === 'train');
  const sizes = sizesOf(own);
  const step = ({ median, batch }: Result) => median * batch;
  const cells = (engine: string, size: number) => {
    const result = own.find((each) => each.engine === engine && each.size === size);
    const wasm = own.find((each) => each.engine === 'wasm' && each.size === size);
    if (!result) return [NONE, NONE, NONE];
    const extra = result.first - step(result);
    const inWasm = wasm ? (extra / step(wasm)).toFixed(1) : NONE;
    return [(extra / 1e3).toFixed(1), (extra / step(result)).toFixed(1), inWasm];
  };
  const titles = sizes.flatMap((size) => [`${size}x${size} seconds`, 'own steps', 'wasm steps']);
  const rows = enginesOf(own).map((engine) => [
    nameOf(engine),
    ...sizes.flatMap((size) => cells(engine, size)),
  ]);
  const compiling = sizes
    .map((size) => [size, cells('onnx', size)[2]!] as const)
    .filter(([, inWasm]) => inWasm !== NONE)
    .map(([size, inWasm]) => `${inWasm} at ${size}x${size}`);
  return [
    'What the very first step of a process takes beyond the median of the later ones, in seconds and in steps.',
    ...(compiling.length === 0
      ? []
      : [
          `Recording, checking and compiling the step for onnx costs, in steps of wasm: ${compiling.join(', ')}.`,
        ]),
    '',
    table(['engine', ...titles], rows),
  ].join('\n');
}

function memoryOf({ memory, memoryRun: { size, batch, images } }: Findings): string {
  const data = ((images * size * size * 3) / 2 ** 30).toFixed(2);
  const rows = [...memory].map(([engine, bytes]) => [nameOf(engine), (bytes / 2 ** 30).toFixed(2)]);
  return [
    `The most that a process of its own held (\`VmHWM\`, GiB) in ${MEMORY_STEPS} training steps at ${size}x${size}, batch ${batch}, with`,
    `${images.toLocaleString('en')} images in memory as bytes (${data} GiB of it).`,
    '',
    rows.length === 0 ? 'Not measured: only Linux tells it.' : table(['engine', 'GiB'], rows),
  ].join('\n');
}

const enginesOf = (results: readonly Result[]) => [...new Set(results.map(({ engine }) => engine))];
const sizesOf = (results: readonly Result[]) => [...new Set(results.map(({ size }) => size))];

/** Three figures that mean something. */
const number = (value: number) => (value >= 100 ? value.toFixed(0) : value.toPrecision(3));

/** A Markdown table; what is not in the first column stands on the right when it is a number. */
function table(titles: readonly string[], rows: readonly (readonly string[])[]): string {
  const widths = titles.map((title, i) => Math.max(title.length, ...rows.map((row) => row[i]!.length)));
  const numeric = titles.map((_, i) => rows.every((row) => /^(-|-?[\d.]+)$/.test(row[i]!)));
  const line = (cells: readonly string[]) =>
    `| ${cells.map((cell, i) => (numeric[i] ? cell.padStart(widths[i]!) : cell.padEnd(widths[i]!))).join(' | ')} |`;
  const rule = widths.map((width, i) => (numeric[i] ? `${'-'.repeat(width - 1)}:` : '-'.repeat(width)));
  return [line(titles), line(rule), ...rows.map(line)].join('\n');
}
