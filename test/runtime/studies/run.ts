/** Runs a study from the command line: MODULE FOLDER OPTIONS; prints its trials as JSON, or the fault that ended it. */
import { parseExact } from '../../../src/core/json.js';
import { isMultitaskError } from '../../../src/index.js';
import { runStudy } from '../../../src/node/index.js';

const [module, folder, options] = process.argv.slice(2) as [string, string, string];
const stop = new AbortController();
process.once('SIGINT', () => stop.abort());
try {
  const result = await runStudy(new URL(`./${module}.ts`, import.meta.url), {
    folder,
    ...(parseExact(options) as object),
    signal: stop.signal,
    onChange: (trials) => process.stdout.write(`${trials.map(({ rows }) => rows.length).join(' ')}\n`),
  });
  process.stdout.write(`RESULT ${JSON.stringify(result)}\n`);
} catch (error) {
  if (!isMultitaskError(error)) throw error;
  const { kind, path, expected, received, advice } = error;
  process.stdout.write(`FAULT ${JSON.stringify({ kind, path, expected, received, advice })}\n`);
}
