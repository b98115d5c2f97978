import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import ts from 'typescript';
import { expect, test } from 'vitest';

const SOURCE = new URL('../../src', import.meta.url).pathname;

/**
 * The folders of `src`, from the lowest to the highest. A folder imports from the folders above it in this list and from itself;
 * a subfolder belongs to its folder. The table in docs/architecture.md has the same rows, and says what each folder contains.
 */
const FOLDERS = [
  'core', // imports nothing
  'formats', // file formats know arrays and bytes, no tensors and no models
  'augment', // bytes of images in, bytes out
  'schedules', // numbers of a step in, a rate out
  'data', // applies augmentations in workers
  'tensor', // the only importer of TensorFlow.js
  'losses', // pure functions of tensors
  'metrics', // some are losses
  'optimizers', // take a schedule as the learning rate
  'layers', // what a user composes
  'tasks', // have a loss and metrics
  'network', // the graph that layers and tasks become
  'steps', // one update of a network
  'engines', // run the steps of a network
  'inference', // runs a network on an engine
  'training', // evaluates during a run
  'interop', // reads the checkpoints of a run when it exports a model
  'model', // wraps training, inference and the import of Keras files
  'explain', // explains the predictions of a model
  'callbacks', // implement the interface of training
  'backbones', // read weights through interop
  'datasets', // label readers for data
  'recording', // makes records of a model and its data
  'tuner', // passes callbacks to the training of a trial
  'report', // reads records, those of the tuner too
  'browser', // implements the platform
  'node', // implements the platform, and the commands over everything
  'entries', // pass the platform in
];

/** Most files of one folder, `index.ts` not counted. */
const MAX_FILES = 16;

/** Entries of the package. Only other entries import them. */
const isEntry = (file: string) => /^(entries\/.*|([^/]+\/)?index\.ts)$/.test(file);

/** A file in the root of `src` is an entry. */
const toFolder = (file: string) => (file.includes('/') ? file.split('/')[0]! : 'entries');

const toRow = (file: string) => FOLDERS.indexOf(isEntry(file) ? 'entries' : toFolder(file));

interface Import {
  /** A file below `src`, or the name of a package. */
  readonly target: string;
  /** Whether only types are imported. */
  readonly isType: boolean;
}

const files = readdirSync(SOURCE, { recursive: true, encoding: 'utf8' })
  .filter((file) => file.endsWith('.ts'))
  .sort()
  .map((file) => ({ file, imports: readImports(file) }));

/** Returns the imports of a file: `import`, `export from`, `import()`, and `import()` in a type. */
function readImports(file: string): Import[] {
  const imports: Import[] = [];
  const add = (specifier: ts.Node | undefined, isType: boolean) => {
    if (!specifier || !ts.isStringLiteralLike(specifier)) return;
    const { text } = specifier;
    const target = text.startsWith('.')
      ? relative(SOURCE, join(SOURCE, dirname(file), text)).replace(/\.js$/, '.ts')
      : text;
    imports.push({ target, isType });
  };
  const visit = (node: ts.Node): void => {
    if (ts.isImportDeclaration(node)) {
      const bindings = node.importClause?.namedBindings;
      const elements = bindings && ts.isNamedImports(bindings) ? bindings.elements : undefined;
      const hasTypesOnly =
        !node.importClause?.name && elements !== undefined && elements.every((element) => element.isTypeOnly);
      add(node.moduleSpecifier, node.importClause?.isTypeOnly || hasTypesOnly);
    } else if (ts.isExportDeclaration(node)) {
      const elements =
        node.exportClause && ts.isNamedExports(node.exportClause) ? node.exportClause.elements : undefined;
      const hasTypesOnly = elements?.every((element) => element.isTypeOnly) ?? false;
      add(node.moduleSpecifier, node.isTypeOnly || hasTypesOnly);
    } else if (ts.isImportTypeNode(node)) {
      add(ts.isLiteralTypeNode(node.argument) ? node.argument.literal : undefined, true);
    } else if (ts.isCallExpression(node) && node.expression.kind === ts.SyntaxKind.ImportKeyword) {
      add(node.arguments[0], false);
    }
    ts.forEachChild(node, visit);
  };
  visit(ts.createSourceFile(file, readFileSync(join(SOURCE, file), 'utf8'), ts.ScriptTarget.Latest, true));
  return imports;
}

/** All imports between files of `src`. */
const edges = files.flatMap(({ file, imports }) =>
  imports
    .filter(({ target }) => files.some((other) => other.file === target))
    .map(({ target }) => ({ from: file, to: target })),
);

const print = (list: readonly { readonly from: string; readonly to: string }[]) =>
  list.map(({ from, to }) => `${from} -> ${to}`);

/** Returns the first circle that is found, as a path that ends where it begins; empty if there is none. */
function findCircle(list: readonly { readonly from: string; readonly to: string }[]): string[] {
  const targets = new Map<string, Set<string>>();
  for (const { from, to } of list) {
    if (from !== to) targets.set(from, (targets.get(from) ?? new Set()).add(to));
  }
  const finished = new Set<string>();
  const path: string[] = [];
  const search = (node: string): string[] => {
    if (path.includes(node)) return [...path.slice(path.indexOf(node)), node];
    if (finished.has(node)) return [];
    path.push(node);
    for (const target of targets.get(node) ?? []) {
      const circle = search(target);
      if (circle.length > 0) return circle;
    }
    path.pop();
    finished.add(node);
    return [];
  };
  for (const node of targets.keys()) {
    const circle = search(node);
    if (circle.length > 0) return circle;
  }
  return [];
}

test('every relative import of src leads to a file of src', () => {
  expect(files.length).toBeGreaterThan(300);
  expect(edges.length).toBeGreaterThan(1000);
  const missing = files.flatMap(({ file, imports }) =>
    imports
      .filter(({ target }) => /\.ts$/.test(target) && !files.some((other) => other.file === target))
      .map(({ target }) => ({ from: file, to: target })),
  );
  expect(print(missing)).toEqual([]);
});

test('every folder of src has its row in the list of folders', () => {
  const folders = new Set(files.map(({ file }) => toFolder(file)));
  expect([...folders].filter((folder) => !FOLDERS.includes(folder))).toEqual([]);
});

test('the table of docs/architecture.md has the folders in the order of the list', () => {
  const page = readFileSync(new URL('../../docs/architecture.md', import.meta.url), 'utf8');
  const rows = page.split('\n').filter((line) => line.startsWith('| `'));
  const folders = rows.flatMap((row) =>
    [...row.split('|')[1]!.matchAll(/`(\w+)\/`/g)].map(([, name]) => name),
  );
  expect(folders).toEqual(FOLDERS);
});

test('a folder imports only from folders above it in the list', () => {
  const upward = edges.filter(({ from, to }) => !isEntry(to) && toRow(to) > toRow(from));
  expect(print(upward)).toEqual([]);
});

test('only entries import an entry', () => {
  expect(print(edges.filter(({ from, to }) => isEntry(to) && !isEntry(from)))).toEqual([]);
});

test('only entries import node/ and browser/', () => {
  const isPlatform = (file: string) => ['node', 'browser'].includes(toFolder(file));
  const crossing = edges.filter(
    ({ from, to }) => isPlatform(to) && !isEntry(from) && toFolder(from) !== toFolder(to),
  );
  expect(print(crossing)).toEqual([]);
});

test('the files of src import each other without a circle, type imports included', () => {
  expect(findCircle(edges)).toEqual([]);
});

test('the folders of src import each other without a circle, type imports included', () => {
  const between = edges
    .filter(({ from, to }) => !isEntry(from) && !isEntry(to))
    .map(({ from, to }) => ({ from: toFolder(from), to: toFolder(to) }));
  expect(findCircle(between)).toEqual([]);
});

test('a folder has at most 16 files next to its index.ts', () => {
  const counts = new Map<string, number>();
  for (const { file } of files) {
    if (!file.endsWith('index.ts')) counts.set(dirname(file), (counts.get(dirname(file)) ?? 0) + 1);
  }
  expect([...counts].filter(([, count]) => count > MAX_FILES)).toEqual([]);
});

test('report/ imports nothing but records: core/, the results of the tuner and their space', () => {
  const beyond = edges.filter(
    ({ from, to }) =>
      from.startsWith('report/') &&
      !isEntry(from) &&
      !['core/', 'report/', 'tuner/results/', 'tuner/space/'].some((folder) => to.startsWith(folder)),
  );
  expect(print(beyond)).toEqual([]);
});

test('values of TensorFlow.js are imported by tensor/ alone, and modules of Node by node/ alone', () => {
  const outside = files.flatMap(({ file, imports }) =>
    imports
      .filter(
        ({ target, isType }) =>
          (target.startsWith('@tensorflow/') && !isType && toFolder(file) !== 'tensor') ||
          (target.startsWith('node:') && toFolder(file) !== 'node'),
      )
      .map(({ target }) => ({ from: file, to: target })),
  );
  expect(print(outside)).toEqual([]);
});
