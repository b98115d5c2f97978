import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';

const [project, tools] = process.argv.slice(2) as [string, string];

/** Time limit of a process in milliseconds. A process takes a few seconds, so the limit only ends processes that hang. */
const TIME_LIMIT = 180_000;

/** Command of each runtime, without the script. */
const RUNTIMES: { readonly [name: string]: readonly string[] } = {
  ...Object.fromEntries([20, 22, 24, 26].map((major) => [`Node ${major}`, [`node-${major}/bin/node`]])),
  Bun: ['bun/bin/bun', 'run'],
  Deno: ['deno/deno', 'run', '--allow-all'],
};

/** Runs a script in the project, and returns the JSON value in the last line of its output. */
async function runScript(runtime: string, script: string): Promise<unknown> {
  const [command, ...args] = RUNTIMES[runtime]!;
  const { stdout, stderr } = await promisify(execFile)(
    join(tools, command!),
    [...args, script, runtime.replace(' ', '-')],
    {
      cwd: project,
      timeout: TIME_LIMIT,
      killSignal: 'SIGKILL',
      // Deno's default cache may contain compiled code of another build of this package.
      env: { ...process.env, DENO_DIR: join(project, 'deno'), NO_COLOR: '1' },
    },
  );
  if (stderr.trim()) throw new Error(`expected no warnings, received ${stderr}`);
  return JSON.parse(stdout.trimEnd().split('\n').at(-1)!);
}

const expectedResult = ((await runScript('Node 20', 'esm.mjs')) as [{ engine: { reason: string } }])[0];
const problems: string[] = [];
const expectEqual = (label: string, received: unknown, expected: unknown) => {
  const [receivedText, expectedText] = [JSON.stringify(received), JSON.stringify(expected)];
  if (receivedText !== expectedText)
    problems.push(`${label}: expected ${expectedText}, received ${receivedText}`);
};

const { prediction, loadedPrediction, evaluations, errorKinds, engine } = expectedResult as unknown as {
  readonly [name: string]: unknown;
} & { readonly evaluations: readonly unknown[]; readonly engine: { readonly reason: string } };
expectEqual('the prediction of the loaded model', loadedPrediction, prediction);
expectEqual('the evaluation with workers', evaluations[1], evaluations[0]);
expectEqual('the errors about packages', errorKinds, ['missing-package', 'missing-package']);
expectEqual('two threads', engine.reason.endsWith('on 2 threads'), true);

const jobs = Object.keys(RUNTIMES).flatMap((runtime) => [
  { runtime, script: 'esm.mjs', expected: [expectedResult] },
  { runtime, script: 'commonjs.cjs', expected: [expectedResult] },
  { runtime, script: 'both.mjs', expected: [expectedResult, expectedResult] },
  { runtime, script: 'runSearch.mjs', expected: ['exhausted', 'complete', 'complete'] },
]);
const jobCount = jobs.length;
const runJobs = async () => {
  for (let job = jobs.shift(); job; job = jobs.shift()) {
    const label = `${job.runtime}, ${job.script}`;
    try {
      expectEqual(label, await runScript(job.runtime, job.script), job.expected);
    } catch (error) {
      problems.push(`${label}: ${(error as Error).message}`);
    }
  }
};
await Promise.all([runJobs(), runJobs()]);

for (const problem of problems) console.error(problem.slice(0, 4000));
console.log(`${jobCount} programs on ${Object.keys(RUNTIMES).join(', ')}: ${problems.length} problems`);
process.exitCode = problems.length > 0 ? 1 : 0;
