/**
 * Bundles the program of the workers into a string: `npm run worker`. A test fails if src/data/workerScript.ts is out of
 * date.
 */
import { writeFileSync } from 'node:fs';
import { pathToFileURL } from 'node:url';
import { build } from 'esbuild';

const SOURCE = new URL('../src/data/', import.meta.url);

/** Returns the text of src/data/workerScript.ts. */
export async function bundleWorker(): Promise<string> {
  const { outputFiles } = await build({
    entryPoints: [new URL('worker.ts', SOURCE).pathname],
    bundle: true,
    write: false,
    minify: true,
    format: 'iife',
    globalName: 'worker',
    footer: { js: 'var answer=worker.answer;' },
    target: 'es2022',
    logLevel: 'error',
  });
  const script = JSON.stringify(outputFiles[0]!.text);
  return `/** Source code of the worker: \`worker.ts\` and its imports, bundled by \`npm run worker\`. Unlike a file, a string works on every platform. */\nexport const WORKER_SCRIPT =\n  ${script};\n`;
}

if (import.meta.url === pathToFileURL(process.argv[1]!).href) {
  const text = await bundleWorker();
  writeFileSync(new URL('workerScript.ts', SOURCE), text);
  console.log(`${text.length} bytes`);
}
