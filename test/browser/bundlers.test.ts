import { execFile, execFileSync } from 'node:child_process';
import {
  cpSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { extname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { type Browser, chromium } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { browser } from './page.js';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const GUIDE = readFileSync(join(ROOT, 'docs/guides/browser.md'), 'utf8');

const folder = mkdtempSync(join(tmpdir(), 'bundlers-'));
const project = join(folder, 'project');
let chrome: Browser;

/**
 * Runs a command in the project, with the settings that a shell outside a test runner has. The process of the test does not block, because
 * the test runner expects a response within a minute.
 */
async function run(command: string, ...args: string[]): Promise<void> {
  const { NODE_ENV: _, VITEST: __, ...env } = process.env;
  await promisify(execFile)(command, args, { cwd: project, env, maxBuffer: 2 ** 26 });
}

const writeSource = (source: string) => writeFileSync(join(project, 'src/index.js'), source);

/** Build commands of the guide. Each writes the page to `dist`. */
const BUILD_COMMANDS = {
  vite: 'npx vite build',
  webpack: 'npx webpack --mode production',
  esbuild: 'npx esbuild src/index.js --bundle --minify --format=esm --outfile=dist/main.js',
} as const;
type Bundler = keyof typeof BUILD_COMMANDS;
const BUNDLERS = Object.keys(BUILD_COMMANDS) as Bundler[];

/** Page around a bundle. An icon without contents stops the browser from requesting one. */
const createHtml = (script: string) =>
  `<!doctype html><meta charset="utf-8"><link rel="icon" href="data:,"><script type="module" src="${script}"></script>`;

/** Builds the page with a command of the guide, and returns the folder to serve. */
async function build(bundler: Bundler, name: string): Promise<string> {
  const [, program, ...args] = BUILD_COMMANDS[bundler].split(' ');
  await run(join(ROOT, 'node_modules/.bin', program!), ...args);
  return moveBuild(`${bundler}-${name}`);
}

function moveBuild(name: string): string {
  const built = join(folder, name);
  renameSync(join(project, 'dist'), built);
  // Vite copies `public` and writes the HTML file itself.
  cpSync(join(project, 'public'), built, { recursive: true });
  if (!readdirSync(built).includes('index.html'))
    writeFileSync(join(built, 'index.html'), createHtml('main.js'));
  return built;
}

const CONTENT_TYPES: { readonly [extension: string]: string } = {
  '.html': 'text/html',
  '.js': 'text/javascript',
  '.mjs': 'text/javascript',
  '.wasm': 'application/wasm',
};

/** What a page reports about one training run. */
interface Outcome {
  readonly engine: { readonly name: string; readonly reason: string };
  readonly losses: readonly number[];
  readonly level: number;
  readonly log: readonly string[];
}

/** Opens a built page in the browser, and returns the value of its global `outcome`. Fails on an error or a failed request in the page. */
async function open<T = Outcome[]>(built: string, { isolated = false, query = '' } = {}): Promise<T> {
  const server = createServer((request, response) => {
    const { pathname } = new URL(request.url!, 'http://localhost');
    const path = join(built, pathname === '/' ? 'index.html' : pathname);
    if (isolated) {
      response.setHeader('cross-origin-opener-policy', 'same-origin');
      response.setHeader('cross-origin-embedder-policy', 'require-corp');
    }
    if (!statSync(path, { throwIfNoEntry: false })?.isFile()) response.writeHead(404).end();
    else response.setHeader('content-type', CONTENT_TYPES[extname(path)] ?? '').end(readFileSync(path));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const page = await chrome.newPage();
  page.setDefaultTimeout(0); // The time limit of the test ends a page that hangs.
  const problems: string[] = [];
  page.on('console', (message) => {
    if (message.type() === 'error') problems.push(message.text());
  });
  page.on('pageerror', (error) => problems.push(String(error)));
  page.on('requestfailed', (request) => problems.push(`${request.url()}: ${request.failure()?.errorText}`));
  page.on('response', (response) => {
    if (response.status() >= 400) problems.push(`${response.url()}: ${response.status()}`);
  });
  try {
    // TensorFlow.js uses half of the cores, and this machine may have only two.
    await page.addInitScript("Object.defineProperty(navigator, 'hardwareConcurrency', { value: 4 })");
    await page.goto(`http://127.0.0.1:${(server.address() as AddressInfo).port}/${query}`);
    const outcome = await page.evaluate<T>('globalThis.outcome');
    expect(problems).toEqual([]);
    return outcome;
  } finally {
    await page.close();
    server.closeAllConnections();
    server.close();
  }
}

/** Declares `train`, which trains two epochs on images in memory and predicts. */
const TRAIN = `
import { branch, conv, dense, flatten, imagesInMemory, maxPool, multiTask, regression, sharedTrunk } from 'tfjs-multitask';
const createImage = (level) => ({ data: new Uint8Array(8 * 8 * 3).fill(level), height: 8, width: 8, channels: 3 });
const data = imagesInMemory([0, 30, 60, 90, 120, 150, 180, 210].map((level) => ({ image: createImage(level), labels: { level: level / 255 } })));
const train = async (options) => {
  const log = [];
  const model = multiTask({ input: [8, 8, 3], seed: 1 })
    .trunk(sharedTrunk([conv(4, 3), maxPool(2)]))
    .task('level', regression({ unit: '1' }), branch([flatten(), dense(4)]))
    .build();
  const { engine, rows } = await model.fit(data, { epochs: 2, batchSize: 4, log: (line) => log.push(line), ...options });
  const { level } = await model.predict(createImage(90));
  return { engine, losses: rows.map(({ loss }) => loss), level, log };
};`;

const BOTH_ENGINES = `${TRAIN}
const runs = async () => [await train({}), await train({ engine: 'wasm', threads: 2 })];
globalThis.outcome = runs();`;

/** Registers ONNX Runtime as the guide describes. With `?bundled`, the page uses the files that the bundler includes. */
const ONNX = `
import * as ort from 'onnxruntime-web/wasm';
import { useEngine } from 'tfjs-multitask';
${TRAIN}
const runs = async () => {
  if (location.search !== '?bundled') ort.env.wasm.wasmPaths = \`\${location.origin}/ort/\`;
  await useEngine('onnx', { packages: { 'onnxruntime-web': async () => ort } });
  return { ...(await train({})), threads: ort.env.wasm.numThreads };
};
globalThis.outcome = runs();`;

function expectTrained({ losses, level, log, engine }: Outcome): void {
  expect(losses).toHaveLength(2);
  expect(losses.every(Number.isFinite)).toBe(true);
  expect(losses[1]).toBeLessThan(losses[0]!);
  expect(Number.isFinite(level)).toBe(true);
  expect(log).toContain(`engine ${engine.name}: ${engine.reason}`);
}

beforeAll(async () => {
  if (!browser) return;
  // The package is built in another folder, because a test in another process rebuilds `dist`. Pages need no types.
  const staging = join(folder, 'package');
  mkdirSync(join(project, 'src'), { recursive: true });
  const tsup = ['tsup', '--silent', '--no-dts', '--out-dir', join(staging, 'dist')];
  execFileSync('npx', tsup, { cwd: ROOT, stdio: 'ignore' });
  cpSync(join(ROOT, 'package.json'), join(staging, 'package.json'));
  execFileSync('npm', ['pack', '--pack-destination', folder], { cwd: staging, stdio: 'ignore' });
  const tarball = readdirSync(folder).find((name) => name.endsWith('.tgz'))!;
  writeFileSync(join(project, 'package.json'), '{ "private": true, "type": "module" }');
  const flags = ['--no-audit', '--no-fund', '--ignore-scripts', '--prefer-offline'];
  await run('npm', 'install', ...flags, join(folder, tarball), '@tensorflow/tfjs@4.22.0');
  writeFileSync(join(project, 'index.html'), createHtml('/src/index.js'));
  const wasm = join(project, 'node_modules/@tensorflow/tfjs-backend-wasm/dist');
  mkdirSync(join(project, 'public/ort'), { recursive: true });
  for (const name of readdirSync(wasm).filter((name) => name.endsWith('.wasm')))
    cpSync(join(wasm, name), join(project, 'public', name));
  const executablePath = execFileSync('which', [browser], { encoding: 'utf8' }).trim();
  const args = ['--no-sandbox', '--disable-dev-shm-usage'];
  chrome = await chromium.launch({ executablePath, args, timeout: 0 });
}, 600_000);

afterAll(async () => {
  await chrome?.close();
  rmSync(folder, { recursive: true, force: true });
});

describe.skipIf(!browser)('a page that is built from the packed tarball', () => {
  test.each(BUNDLERS)(
    'with %s but without onnxruntime-web trains on wasm, and uses two threads if the page is cross-origin isolated',
    async (bundler) => {
      expect(GUIDE).toContain(BUILD_COMMANDS[bundler]);
      writeSource(BOTH_ENGINES);
      const built = await build(bundler, 'plain');
      const [auto, wasm] = await open(built);
      const [isolatedAuto, threaded] = await open(built, { isolated: true });
      for (const outcome of [auto!, wasm!, isolatedAuto!, threaded!]) expectTrained(outcome);
      expect(auto!.engine).toEqual({ name: 'wasm', reason: 'it runs everywhere, on 1 thread' });
      expect(isolatedAuto!.engine).toEqual({ name: 'wasm', reason: 'it runs everywhere, on 2 threads' });
      expect(wasm!.engine).toEqual({ name: 'wasm', reason: 'requested by name, on 1 thread' });
      expect(threaded!.engine).toEqual({ name: 'wasm', reason: 'requested by name, on 2 threads' });
      expect(threaded!.losses).toEqual(wasm!.losses);
    },
    600_000,
  );

  test('with esbuild trains on webgl if it imports the webgl backend', async () => {
    writeSource(`import '@tensorflow/tfjs-backend-webgl';${BOTH_ENGINES}`);
    const [auto, wasm] = await open(await build('esbuild', 'webgl'));
    for (const outcome of [auto!, wasm!]) expectTrained(outcome);
    expect(auto!.engine.name).toBe('webgl');
    expect(wasm!.engine.name).toBe('wasm');
  });

  test('with the default entry trains on wasm and imports no Node modules', async () => {
    writeSource(BOTH_ENGINES);
    const installed = join(project, 'node_modules/tfjs-multitask');
    const { exports } = JSON.parse(readFileSync(join(installed, 'package.json'), 'utf8'));
    const entry = join(installed, exports['.'].default.import);
    // esbuild selects the entry for pages, unless another is specified. An import of a module of Node is an error.
    const args = BUILD_COMMANDS.esbuild.split(' ').slice(2);
    await run(join(ROOT, 'node_modules/.bin/esbuild'), ...args, `--alias:tfjs-multitask=${entry}`);
    const built = moveBuild('default');
    const [auto, wasm] = await open(built, { isolated: true });
    for (const outcome of [auto!, wasm!]) expectTrained(outcome);
    expect(auto!.engine).toEqual({ name: 'wasm', reason: 'it runs everywhere, on 2 threads' });
  });

  describe('and onnxruntime-web', () => {
    beforeAll(() => {
      const installed = join(ROOT, 'node_modules/onnxruntime-web');
      symlinkSync(installed, join(project, 'node_modules/onnxruntime-web'));
      for (const name of ['ort-wasm-simd-threaded.mjs', 'ort-wasm-simd-threaded.wasm'])
        cpSync(join(installed, 'dist', name), join(project, 'public/ort', name));
    });

    test.each(BUNDLERS)(
      'with %s trains on onnx, and uses two threads if the page is cross-origin isolated',
      async (bundler) => {
        writeSource(ONNX);
        const built = await build(bundler, 'onnx');
        const one = await open<Outcome & { threads: number }>(built);
        const two = await open<Outcome & { threads: number }>(built, { isolated: true });
        for (const outcome of [one, two]) {
          expectTrained(outcome);
          expect(outcome.engine.name).toBe('onnx');
          expect(outcome.engine.reason).toMatch(/^requested by name, onnxruntime-web [\d.]+$/);
        }
        expect([one.threads, two.threads]).toEqual([1, 2]);
        if (bundler !== 'vite') return;
        // Threads would run the script of the page, and never respond.
        const bundled = await open<Outcome & { threads: number }>(built, {
          isolated: true,
          query: '?bundled',
        });
        expectTrained(bundled);
        expect(bundled.threads).toBe(1);
        expect(bundled.engine.reason).toContain('on 1 thread, because ort.env.wasm.wasmPaths is not set');
      },
      600_000,
    );
  });
});
