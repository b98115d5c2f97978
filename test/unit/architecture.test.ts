import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import ts from 'typescript';
import { expect, test } from 'vitest';

const SOURCE = new URL('../../src', import.meta.url).pathname;

/**
 * The folders of `src`, from the lowest to the highest. A folder imports from the folders above it in this list and from itself;
 * a subfolder belongs to its folder. The table in docs/architecture.md has the same rows, and describes what each folder contains.
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

/** Maximum number of files in one folder, not counting `index.ts`. */
const MAX_FILES = 16;

/** The only file that imports values from a package of TensorFlow.js. */
const TENSORFLOW_IMPORTERS: { readonly [target: string]: string } = {
  '@tensorflow/tfjs-core': 'tensor/tfModules.ts',
  '@tensorflow/tfjs-layers': 'tensor/tfModules.ts',
  '@tensorflow/tfjs-backend-wasm': 'tensor/backends/wasmBackend.ts',
  '@tensorflow/tfjs-backend-wasm/wasm-out/tfjs-backend-wasm-threaded-simd.js':
    'tensor/backends/repairWorkerSource.ts',
};

/** Entry points of the package, those of `tsup.config.ts`, and the exports that they share. Only other entry points import them. */
const ENTRIES = [
  'entries/node.ts',
  'entries/browser.ts',
  'entries/default.ts',
  'entries/commonExports.ts',
  'browser/index.ts',
  'datasets/index.ts',
  'node/index.ts',
  'report/index.ts',
  'tuner/index.ts',
];

const isEntry = (file: string) => ENTRIES.includes(file);

/** Folder of a file in `src`. A subfolder belongs to its folder. */
const toFolder = (file: string) => file.split('/')[0]!;

const toRow = (file: string) => FOLDERS.indexOf(isEntry(file) ? 'entries' : toFolder(file));

interface Import {
  /** File below `src`, or the name of a package. */
  readonly target: string;
  /** Whether the import contains only types. */
  readonly isType: boolean;
}

const files = readdirSync(SOURCE, { recursive: true, encoding: 'utf8' })
  .filter((file) => file.endsWith('.ts'))
  .sort()
  .map((file) => ({ file, imports: readImports(file) }));

/** Returns the imports in a file: `import`, `export from`, `import()`, and `import()` in a type. */
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

/** All imports between files in `src`. */
const edges = files.flatMap(({ file, imports }) =>
  imports
    .filter(({ target }) => files.some((other) => other.file === target))
    .map(({ target }) => ({ from: file, to: target })),
);

const print = (list: readonly { readonly from: string; readonly to: string }[]) =>
  list.map(({ from, to }) => `${from} -> ${to}`);

/** Returns the first import cycle that is found, as a path that ends where it begins. Returns an empty path if there is no cycle. */
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

test('every relative import in src resolves to a file in src', () => {
  expect(files.length).toBeGreaterThan(300);
  expect(edges.length).toBeGreaterThan(1000);
  const missing = files.flatMap(({ file, imports }) =>
    imports
      .filter(({ target }) => /\.ts$/.test(target) && !files.some((other) => other.file === target))
      .map(({ target }) => ({ from: file, to: target })),
  );
  expect(print(missing)).toEqual([]);
});

test('every folder in src is in the table of docs/architecture.md', () => {
  const folders = new Set(files.map(({ file }) => toFolder(file)));
  expect([...folders].filter((folder) => !FOLDERS.includes(folder))).toEqual([]);
});

test('the table in docs/architecture.md lists the folders in src in the order of their allowed imports', () => {
  const page = readFileSync(new URL('../../docs/architecture.md', import.meta.url), 'utf8');
  const rows = page.split('\n').filter((line) => line.startsWith('| `'));
  const folders = rows.flatMap((row) =>
    [...row.split('|')[1]!.matchAll(/`(\w+)\/`/g)].map(([, name]) => name),
  );
  expect(folders).toEqual(FOLDERS);
});

test('a folder in src imports only from folders that are listed above it in docs/architecture.md', () => {
  const upward = edges.filter(({ from, to }) => !isEntry(to) && toRow(to) > toRow(from));
  expect(print(upward)).toEqual([]);
});

test('only entry points in src import other entry points', () => {
  expect(print(edges.filter(({ from, to }) => isEntry(to) && !isEntry(from)))).toEqual([]);
});

test('outside node/ and browser/, only the platform entry points import files from these folders', () => {
  const isPlatform = (file: string) => ['node', 'browser'].includes(toFolder(file));
  const platformEntries = ['entries/node.ts', 'entries/browser.ts'];
  const crossing = edges.filter(
    ({ from, to }) => isPlatform(to) && !platformEntries.includes(from) && toFolder(from) !== toFolder(to),
  );
  expect(print(crossing)).toEqual([]);
});

test('the files in src have no circular imports, including type imports', () => {
  expect(findCircle(edges)).toEqual([]);
});

test('the folders in src have no circular imports, including type imports', () => {
  const between = edges
    .filter(({ from, to }) => !isEntry(from) && !isEntry(to))
    .map(({ from, to }) => ({ from: toFolder(from), to: toFolder(to) }));
  expect(findCircle(between)).toEqual([]);
});

test('the subfolders in src have no circular imports, including type imports', () => {
  const between = edges
    .filter(({ from, to }) => !isEntry(from) && !isEntry(to))
    .map(({ from, to }) => ({ from: dirname(from), to: dirname(to) }));
  expect(findCircle(between)).toEqual([]);
});

test('the entry points are those in tsup.config.ts, and no other folder has an index.ts', () => {
  const config = readFileSync(new URL('../../tsup.config.ts', import.meta.url), 'utf8');
  const built = [...config.matchAll(/'src\/([^']+)'/g)].map(([, file]) => file!);
  const programs = ['node/cli.ts', 'node/tuning/trial/trialProcess.ts'];
  expect(built.sort()).toEqual(
    [...ENTRIES.filter((file) => !file.endsWith('commonExports.ts')), ...programs].sort(),
  );
  expect(files.map(({ file }) => file).filter((file) => file.endsWith('index.ts') && !isEntry(file))).toEqual(
    [],
  );
});

test('a folder in src contains at most 16 files in addition to index.ts', () => {
  const counts = new Map<string, number>();
  for (const { file } of files) {
    if (!file.endsWith('index.ts')) counts.set(dirname(file), (counts.get(dirname(file)) ?? 0) + 1);
  }
  expect([...counts].filter(([, count]) => count > MAX_FILES)).toEqual([]);
});

test('the report/ folder in src imports only core/ and, from the tuner, only the results and the search space', () => {
  const beyond = edges.filter(
    ({ from, to }) =>
      from.startsWith('report/') &&
      !isEntry(from) &&
      !['core/', 'report/', 'tuner/results/', 'tuner/space/'].some((folder) => to.startsWith(folder)),
  );
  expect(print(beyond)).toEqual([]);
});

test('only tfModules.ts imports values from TensorFlow.js, only tensor/backends imports the wasm backend, and only node/ imports Node modules', () => {
  const outside = files.flatMap(({ file, imports }) =>
    imports
      .filter(
        ({ target, isType }) =>
          (target.startsWith('@tensorflow/') && !isType && TENSORFLOW_IMPORTERS[target] !== file) ||
          (target.startsWith('node:') && toFolder(file) !== 'node'),
      )
      .map(({ target }) => ({ from: file, to: target })),
  );
  expect(print(outside)).toEqual([]);
});

/** Files that read a file without the checks of `readStoreFile` and `readRegularFile`, with the reason. */
const OTHER_READERS = [
  'core/platform/readStoreFile.ts', // the only caller of Store.read
  'node/native/compileBinding.ts', // a file that this process has just copied
  'node/native/findNativePackage.ts', // checks the type of the file itself
  'node/platform/files/readProcessFields.ts', // a file of the kernel that describes a process
  'node/platform/runtimeVersions.ts', // the package.json of this package
  'tensor/backends/wasmModule.ts', // a file of an installed package
];

test('only readStoreFile calls Store.read, and only readRegularFile reads files of users', () => {
  const readers = files.flatMap(({ file }) => {
    const code = readFileSync(join(SOURCE, file), 'utf8').replaceAll(/^ *(?:\*|\/\/).*$|"[^"\n]*"/gm, '');
    return /\bstore\.read\(|\breadFile(?:Sync)?\(|createReadStream/i.test(code) ? [file] : [];
  });
  expect(readers.filter((file) => !OTHER_READERS.includes(file))).toEqual([]);
});
