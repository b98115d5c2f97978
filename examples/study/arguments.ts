import { parseArgs } from 'node:util';
import { isMultitaskError } from 'tfjs-multitask';
import { DEMO } from '../demo-faces/write.js';

/** An argument that one example takes beside those of all. */
export interface OwnArgument {
  /** What its value is called in the usage; without it the argument is a switch. */
  readonly value?: string;
  readonly help: string;
  readonly default?: string;
}

/** What the command line said, defaults filled in. */
export interface StudyArguments {
  /** Folder of images. */
  readonly data: string;
  /** Whether nobody gave images, and faces are drawn. */
  readonly demo: boolean;
  readonly epochs: number;
  /** Pixels of a side. */
  readonly size: number;
  readonly batchSize: number;
  readonly limit: number | undefined;
  readonly seed: number;
  readonly augment: 'free' | 'fixed' | 'none';
  readonly engine: 'auto';
  readonly threads: number | undefined;
  readonly out: string;
  readonly resume: boolean;
  /** Whether the report shows pictures of images. */
  readonly images: boolean;
  /** Whether the report is served while it trains. */
  readonly watch: boolean;
  /** The example's own. */
  readonly own: { readonly [name: string]: string | undefined };
}

const text = { type: 'string' } as const;
const flag = { type: 'boolean', default: false } as const;

/** Switches, of which an example may have no use. */
const SWITCHES = {
  resume: 'go on where the run in --out was stopped',
  watch: 'serve the report on this machine while it trains',
  'no-images': 'leave pictures out of the report',
};

/**
 * Reads the command line of the example called `name`, which takes its `own` arguments and does `without` some switches; wrong arguments,
 * and `--help`, end the program with its usage.
 */
export function readArguments(
  name: string,
  least: number,
  own: { readonly [argument: string]: OwnArgument } = {},
  without: readonly (keyof typeof SWITCHES)[] = [],
): StudyArguments {
  process.once('uncaughtException', (error) => {
    console.error(isMultitaskError(error) ? error.message : error);
    process.exit(1);
  });
  const switches = Object.entries(SWITCHES).filter(([argument]) => !(without as string[]).includes(argument));
  const usage = usageOf(name, least, own, switches);
  const fail = (message: string): never => {
    console.error(`${message}\n\n${usage}`);
    process.exit(2);
  };
  const options = {
    ...{ data: text, epochs: text, size: text, 'batch-size': text, limit: text, threads: text },
    seed: { ...text, default: '7' },
    augment: { ...text, default: 'free' },
    engine: { ...text, default: 'auto' },
    out: { ...text, default: `out/${name}` },
    help: flag,
    ...Object.fromEntries(switches.map(([argument]) => [argument, flag])),
    ...Object.fromEntries(
      Object.entries(own).map(([argument, { value }]) => [argument, value ? text : flag]),
    ),
  };
  const parse = () => {
    try {
      return parseArgs({ options }).values as { [name: string]: string | boolean | undefined };
    } catch (error) {
      return fail((error as Error).message);
    }
  };
  const values = parse();
  if (values.help) {
    console.log(usage);
    process.exit(0);
  }
  const given = (argument: string) => values[argument] as string | undefined;
  const whole = (argument: string, otherwise?: number, atLeast = 1) => {
    if (given(argument) === undefined) return otherwise;
    const number = Number(given(argument));
    if (given(argument) !== '' && Number.isInteger(number) && number >= atLeast) return number;
    return fail(
      `--${argument}: expected a whole number of at least ${atLeast}, received "${given(argument)}"`,
    );
  };
  const augment = given('augment') as StudyArguments['augment'];
  if (!['free', 'fixed', 'none'].includes(augment))
    fail(`--augment: expected free, fixed or none, received "${augment}"`);
  const demo = given('data') === undefined;
  return {
    data: given('data') ?? 'out/demo-faces',
    demo,
    epochs: whole('epochs', demo ? DEMO.epochs : 50)!,
    size: whole('size', demo ? DEMO.size : 128)!,
    batchSize: whole('batch-size', demo ? DEMO.batchSize : 16)!,
    limit: whole('limit'),
    seed: whole('seed', undefined, 0)!,
    augment,
    engine: given('engine') as 'auto',
    threads: whole('threads'),
    out: given('out')!,
    resume: values.resume === true,
    images: values['no-images'] !== true,
    watch: values.watch === true,
    own: Object.fromEntries(
      Object.entries(own).map(([argument, { default: otherwise }]) => [
        argument,
        given(argument) ?? otherwise,
      ]),
    ),
  };
}

function usageOf(
  name: string,
  least: number,
  own: { readonly [argument: string]: OwnArgument },
  switches: readonly (readonly [string, string])[],
): string {
  const rows = [
    ['data DIR', 'UTKFace images, named age_gender_race_date.jpg; without it faces are drawn'],
    ...Object.entries(own).map(([argument, { value, help }]) => [
      value ? `${argument} ${value}` : argument,
      help,
    ]),
    ['epochs N', `the last epoch (50; ${DEMO.epochs} on drawn faces)`],
    ['size N', `pixels, ${least} or more (128; ${DEMO.size} on drawn faces)`],
    ['batch-size N', `images in a step (16; ${DEMO.batchSize} on drawn faces)`],
    ['limit N', 'use so many of the images (all)'],
    ['seed N', 'names the split, the first weights, the order and the augmentation (7)'],
    ['augment HOW', 'free: anew in every epoch (default); fixed: once; none'],
    ['engine NAME', 'auto, native, onnx, wasm or cpu (auto)'],
    ['threads N', 'of the onnx and wasm engines (as many as the machine runs)'],
    ['out DIR', `where everything goes (out/${name})`],
    ...switches,
    ['help', 'this text'],
  ];
  const lines = rows.map(([argument, help]) => `  --${argument!.padEnd(16)} ${help}`);
  return `usage: npm run ${name} -- [arguments]\n\n${lines.join('\n')}`;
}
