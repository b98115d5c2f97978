import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const WASM = join(ROOT, 'node_modules/@tensorflow/tfjs-backend-wasm/dist');

const ONNX = join(ROOT, 'node_modules/onnxruntime-web/dist');

/** Command of an installed browser, or undefined. */
export const browser = ['chromium', 'chromium-browser', 'google-chrome'].find((name) => {
  try {
    execFileSync(name, ['--version'], { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
});

/**
 * Runs a module in a page of a real browser, over loopback HTTP. Returns the value that it passes to `report(value)`. An error in
 * the page is thrown here.
 *
 * @param files - Files that the page may fetch by path, in addition to TensorFlow.js's wasm files.
 * @param isolated - Whether the server sends the headers that allow the page to share memory between threads.
 */
export async function inPage(
  code: string,
  files: { readonly [path: string]: Uint8Array } = {},
  { isolated = false }: { readonly isolated?: boolean } = {},
): Promise<unknown> {
  const { outputFiles } = await build({
    stdin: { contents: PREAMBLE + code, resolveDir: ROOT, loader: 'ts' },
    bundle: true,
    write: false,
    format: 'esm',
    target: 'es2022',
    logLevel: 'silent',
    alias: {
      'tfjs-multitask': join(ROOT, 'src/entries/browser.ts'),
      'tfjs-multitask/browser': join(ROOT, 'src/browser/index.ts'),
      'tfjs-multitask/datasets': join(ROOT, 'src/datasets/index.ts'),
    },
  });
  const script = outputFiles[0]!.contents;
  let finish!: (outcome: { value?: unknown; error?: string }) => void;
  const outcome = new Promise<{ value?: unknown; error?: string }>((resolve) => {
    finish = resolve;
  });
  const server = createServer(async (request, response) => {
    const path = request.url!.slice(1);
    if (isolated) {
      response.setHeader('cross-origin-opener-policy', 'same-origin');
      response.setHeader('cross-origin-embedder-policy', 'require-corp');
    }
    if (request.method === 'POST') {
      let body = '';
      for await (const part of request) body += part;
      response.end();
      finish(JSON.parse(body));
    } else if (path === '') response.setHeader('content-type', 'text/html').end(PAGE);
    else if (path === 'page.js') response.setHeader('content-type', 'text/javascript').end(script);
    else if (/^ort-.*\.(wasm|mjs)$/.test(path)) {
      if (path.endsWith('.mjs')) response.setHeader('content-type', 'text/javascript');
      response.end(await readFile(join(ONNX, path)));
    } else if (path.endsWith('.wasm')) response.end(await readFile(join(WASM, path)));
    else if (files[path]) response.end(files[path]);
    else response.writeHead(404).end();
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const profile = mkdtempSync(join(tmpdir(), 'page-'));
  let process: ChildProcess | undefined;
  let closed: Promise<unknown> | undefined;
  try {
    process = spawn(
      browser!,
      [
        ...['--headless=new', '--no-sandbox', '--disable-gpu', '--disable-dev-shm-usage', '--no-first-run'],
        // A software GPU, so that webgpu runs on machines without a GPU.
        ...['--enable-unsafe-webgpu', '--use-webgpu-adapter=swiftshader', '--enable-features=Vulkan'],
        ...[`--user-data-dir=${profile}`, `http://127.0.0.1:${(server.address() as AddressInfo).port}/`],
      ],
      { stdio: 'ignore', detached: true },
    );
    closed = once(process, 'close').then(
      ([code, signal]) => finish({ error: `the browser ended by itself (${code ?? signal})` }),
      (error: Error) => finish({ error: error.message }),
    );
    const { value, error } = await outcome;
    if (error !== undefined) throw new Error(error);
    return value;
  } finally {
    if (process?.exitCode === null && process.signalCode === null)
      globalThis.process.kill(-process.pid!, 'SIGKILL'); // The child processes are killed too, because they write to the profile.
    await closed;
    server.closeAllConnections();
    server.close();
    rmSync(profile, { recursive: true, force: true, maxRetries: 10, retryDelay: 100 });
  }
}

const PAGE =
  '<!doctype html><meta charset="utf-8"><input type="file"><script type="module" src="page.js"></script>';

const PREAMBLE = `
const post = (body) => fetch('result', { method: 'POST', body: JSON.stringify(body) });
const report = (value) => post({ value });
addEventListener('error', (event) => post({ error: String(event.error?.stack ?? event.message) }));
addEventListener('unhandledrejection', (event) => post({ error: String(event.reason?.stack ?? event.reason) }));
`;
