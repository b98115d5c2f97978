import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';

const [project, tools] = process.argv.slice(2) as [string, string];

const COMPILERS = ['typescript-5.4', 'typescript-5.9', 'typescript-6', 'typescript-7'];
const OPTIONS = [
  '--noEmit',
  '--pretty',
  'false',
  '--strict',
  '--exactOptionalPropertyTypes',
  '--noUncheckedIndexedAccess',
];
const ENVIRONMENT = ['--module', 'nodenext', '--target', 'es2022', '--lib', 'es2022,dom'];

/**
 * Files whose errors are not errors of this package: TensorFlow.js and the types that it installs, which do not compile with
 * `skipLibCheck: false`, and the compiler's own files, in which newer compilers report what these types declare twice.
 */
const FOREIGN_FILE = /node_modules\/(?:@tensorflow|@webgpu|@types)\/|\/lib\/lib\.[\w.]+\.d\.ts$/;

/** Compiles a consumer of the package as an ES module and as a CommonJS module, and returns the errors. */
async function compile(compiler: string, skipLibCheck: boolean): Promise<readonly string[]> {
  const args = [
    ...OPTIONS,
    ...ENVIRONMENT,
    '--skipLibCheck',
    String(skipLibCheck),
    'consumer.mts',
    'consumer.cts',
  ];
  const child = spawn(process.execPath, [join(tools, compiler, 'bin/tsc'), ...args], { cwd: project });
  const output = [child.stdout, child.stderr].map((stream) => text(stream));
  const [code] = (await once(child, 'close')) as [number | null];
  const lines = (await Promise.all(output)).join('\n').split('\n');
  const errors = lines.filter((line) => /error TS\d+/.test(line));
  return code === 0 || errors.length > 0 ? errors : [`ended with code ${code}: ${lines.join('\n')}`];
}

const jobs = COMPILERS.flatMap((compiler) =>
  [true, false].map((skipLibCheck) => ({ compiler, skipLibCheck })),
);
let problemCount = 0;
const runJobs = async () => {
  for (let job = jobs.shift(); job; job = jobs.shift()) {
    const errors = await compile(job.compiler, job.skipLibCheck);
    const problems = errors.filter((line) => job.skipLibCheck || !FOREIGN_FILE.test(line.split('(')[0]!));
    for (const problem of problems)
      console.error(`${job.compiler}, skipLibCheck ${job.skipLibCheck}: ${problem}`);
    problemCount += problems.length;
  }
};
await Promise.all([runJobs(), runJobs()]);

console.log(`types of a strict consumer with ${COMPILERS.join(', ')}: ${problemCount} problems`);
process.exitCode = problemCount > 0 ? 1 : 0;
