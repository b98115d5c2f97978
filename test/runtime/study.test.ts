import { type ChildProcess, spawn } from 'node:child_process';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { createRng } from '../../src/core/rng.js';
import { loadModel, memoryStore } from '../../src/entries/node.js';
import { folderStore, readStudy, runSingleTrial, runStudy, runStudyWorker } from '../../src/node/index.js';
import { lockStudy } from '../../src/node/tuning/lockStudy.js';
import { bestTrial, minimize, type TrialRecord } from '../../src/tuner/index.js';
import { getKnownTrials, proposeTrial } from '../../src/tuner/strategies/proposeTrial.js';
import plain from './studies/plain.js';

const ROOT = new URL('../..', import.meta.url).pathname;
const scratch = mkdtempSync(join(tmpdir(), 'study-'));
afterAll(() => rmSync(scratch, { recursive: true, force: true }));
const LOSS = minimize('loss');
const loose = (value: unknown) => value as never;
/** Number of times that a search is killed. CI sets a larger number. */
const KILLS = Number(process.env.KILLED_SEARCHES ?? 5);
/** Time limit in milliseconds: one minute per kill. */
const LIMIT = 60_000 * (3 + KILLS);

interface Ended {
  readonly trials: readonly TrialRecord[];
  readonly stopped: string;
}

function begin(module: string, folder: string, options: object): ChildProcess {
  const args = [
    '--max-old-space-size=200', // A small heap, so that a trial runs out of memory quickly.
    '--import',
    'tsx',
    'test/runtime/studies/run.ts',
    module,
    join(scratch, folder),
    JSON.stringify(options),
  ];
  return spawn(process.execPath, args, { cwd: ROOT, stdio: ['ignore', 'pipe', 'inherit'] });
}

/** Waits until a process ends, and returns its output. `onOutput` receives the output so far. */
function readOutput(child: ChildProcess, onOutput: (text: string) => void = () => {}): Promise<string> {
  let text = '';
  child.stdout!.setEncoding('utf8').on('data', (part: string) => {
    text += part;
    onOutput(text);
  });
  return new Promise((resolve) => child.on('close', () => resolve(text)));
}

const parseOutput = (text: string, kind: 'RESULT' | 'ERROR') => {
  const line = text.split('\n').find((each) => each.startsWith(kind));
  return line === undefined ? undefined : JSON.parse(line.slice(kind.length));
};
async function run(module: string, folder: string, options: object): Promise<Ended> {
  const text = await readOutput(begin(module, folder, options));
  return parseOutput(text, 'RESULT') ?? expect.fail(text);
}
const runFailing = async (module: string, folder: string, options: object) => {
  const text = await readOutput(begin(module, folder, options));
  return parseOutput(text, 'ERROR') ?? expect.fail(text);
};
const paramsOf = ({ trials }: Ended) => trials.map(({ params }) => params);
const plainRows = ({ rows }: TrialRecord) => rows.map(({ seconds: _, ...row }) => row);

describe('a search with a failing trial', () => {
  test.each([
    ['throw', /^the builder has a fault$/],
    ['exit', /^it ended with code 3/],
    ['nan', /^loss was never a number$/],
    ['silent', /^loss was never reported. Spread \.\.\.fitOptions into the options of model\.fit/],
    ['outside', /hostname: expected a file name inside .*trials\/0002/],
    ['sibling', /0003\/end\.json: expected a file name inside .*trials\/0002/],
    ['record', /^end\.json: expected a file name that the search does not use/],
    ['folder', /best: expected a readable file, received a folder in place of a file \(EISDIR\)/],
    ['memory', /^it ran out of memory/],
    [
      'other column',
      /^trial 2: loss: expected a number for this objective, received only the metrics los\. Did you mean "los"\?$/,
    ],
  ])('saves the reason for the failure "%s", and continues', async (fault, reason) => {
    const options = { trials: 3, parallel: 1, settings: { faults: { 2: fault } } };
    const { trials, stopped } = await run('plain', `fault ${fault}`, options);
    expect(stopped).toBe('finished');
    expect(trials.map(({ state }) => state)).toEqual(['complete', 'failed', 'complete']);
    expect(trials[1]!.reason).toMatch(reason);
    const record = JSON.parse(readFileSync(join(scratch, `fault ${fault}`, 'trials/0002/end.json'), 'utf8'));
    expect(record.reason).toBe(trials[1]!.reason);
  });

  test('saves the output of the failing trial before the search ends, even on a slow disk', async () => {
    const options = { trials: 1, slow: 1500, settings: { faults: { 1: 'throw' } } };
    let saved: string | undefined;
    const text = await readOutput(begin('plain', 'slow disk', options), (text) => {
      const output = join(scratch, 'slow disk/trials/0001/output.txt');
      if (text.includes('RESULT')) saved ??= existsSync(output) ? readFileSync(output, 'utf8') : '';
    });
    expect(saved, text).toContain('the builder has a fault');
  });

  test('marks a trial as failed if it reports more epochs than its Hyperband round allows', async () => {
    const settings = { strategy: 'hyperband', faults: { 1: 'more epochs' } };
    const { trials } = await run('plain', 'more epochs', { trials: 1, settings });
    expect(trials[0]).toMatchObject({
      state: 'failed',
      reason: expect.stringMatching(
        /^trial 1: expected reports for at most 1 epochs in this round of the strategy, received a report for epoch 2/,
      ),
    });
  });

  test('marks a trial that hangs as failed after the trial timeout, and continues', async () => {
    // All trials hang, so the result does not depend on how fast a process starts.
    const options = { trials: 2, trialTimeout: 2, settings: { faults: { 0: 'hang' } } };
    const { trials, stopped } = await run('plain', 'fault hang', options);
    expect(stopped).toBe('finished');
    expect(trials.map(({ state, reason }) => [state, reason])).toEqual(
      Array(2).fill(['failed', 'it took longer than 2 s']),
    );
    const after = await run('plain', 'fault hang', { trials: 3 });
    expect(after.trials.map(({ state }) => state)).toEqual(['failed', 'failed', 'complete']);
  });

  test('ends after three consecutive failures, and resumes after the study is fixed', async () => {
    const error = await runFailing('plain', 'all fail', { trials: 9, settings: { faults: { 0: 'throw' } } });
    expect(error).toMatchObject({
      path: 'trial 3',
      received: '3 consecutive failures (last reason: the builder has a fault)',
    });
    // After the study is fixed, the search resumes.
    const { trials } = await run('plain', 'all fail', { trials: 5 });
    expect(trials.map(({ state }) => state)).toEqual(Array(5).fill('complete'));
  });
});

test('a search tries the initial params first, and accepts more initial params when it resumes', async () => {
  const [one, two, three] = [
    { x: 1, rate: 0.01, kind: 'b' },
    { x: 0, rate: 0.1, kind: 'a' },
    { x: 2, rate: 0.1, kind: 'c' },
  ];
  const begun = await run('plain', 'first given', {
    trials: 3,
    parallel: 2,
    settings: { first: [one, two] },
  });
  expect(paramsOf(begun).slice(0, 2)).toEqual([one, two]);
  const settings = { first: [one, three, two] };
  const ended = await run('plain', 'first given', { trials: 5, settings });
  expect(paramsOf(ended).slice(0, 4)).toEqual([...paramsOf(begun), three]);
  expect(ended.trials.map(({ isInitial }) => isInitial)).toEqual([true, true, undefined, true, undefined]);
});

test('a search starts no trials after its timeout, completes the running trials, and can be resumed', async () => {
  const settings = { pause: 300 };
  await run('plain', 'in time', { trials: 2, settings });
  const first = await run('plain', 'in time', { parallel: 2, timeout: 6, settings });
  expect(first.stopped).toBe('timeout');
  expect(first.trials.length).toBeGreaterThan(1);
  expect(new Set(first.trials.map(({ state }) => state))).toEqual(new Set(['complete']));
  const trials = first.trials.length + 1;
  const second = await run('plain', 'in time', { trials, timeout: 1e9, settings });
  expect(second.stopped).toBe('finished');
  expect(paramsOf(second).slice(0, -1)).toEqual(paramsOf(first));
});

test('a search sets no timeout for trials if trialTimeout exceeds the maximum delay of setTimeout', async () => {
  const { trials } = await run('plain', 'unlimited', { trials: 1, trialTimeout: 1e9 });
  expect(trials.map(({ state }) => state)).toEqual(['complete']);
});

test('a search saves the reason why the pruner stopped a trial, and saves the best model of every trial, even of a pruned one', async () => {
  const options = { trials: 3, settings: { strategy: 'random', pruned: true } };
  const { trials } = await run('training', 'pruned', options);
  expect(trials.map(({ state, rows, reason }) => [state, rows.length, reason])).toEqual([
    ['complete', 3, undefined],
    ['pruned', 2, 'its number is even'],
    ['complete', 3, undefined],
  ]);
  for (const { number } of trials) {
    const bestModel = await loadModel(folderStore(join(scratch, `pruned/trials/000${number}`)), {
      folder: 'best',
    });
    expect(Object.keys(bestModel.tasks)).toEqual(['age']);
  }
});

describe('a search that is killed or stopped', () => {
  test('loses no finished trial, proposes the same params, and finds the same best trial as an uninterrupted search', {
    timeout: LIMIT,
  }, async () => {
    const options = { trials: 5 + KILLS, settings: { pause: 100 } };
    const whole = await run('plain', 'whole', options);
    expect(whole.trials.every(({ state }) => state === 'complete')).toBe(true);
    const draws = createRng(1, 'kills');
    const folder = join(scratch, 'cut/trials');
    // A kill may happen before any file exists, or between the creation of a folder and its first file.
    const files = () =>
      existsSync(folder) ? readdirSync(folder, { recursive: true, encoding: 'utf8' }) : [];
    const listResults = () => {
      const names = files().filter((name) => name.endsWith('end.json'));
      return new Map(names.map((name) => [name, statSync(join(folder, name)).ino]));
    };
    let before = new Map<string, number>();
    const describePhase = () => {
      const last = files()
        .filter((name) => /(trial|end)\.json$/.test(name))
        .sort()
        .at(-1);
      if (last === undefined) return 'before its first trial';
      const trial = dirname(last);
      if (existsSync(join(folder, trial, 'end.json'))) return 'between trials';
      const rows = JSON.parse(readFileSync(join(folder, trial, 'trial.json'), 'utf8')).rows.length;
      return rows === 0 ? 'before its first epoch' : 'between epochs';
    };
    const phases = new Set<string>();
    for (let kill = 0; kill < KILLS; kill++) {
      const child = begin('plain', 'cut', options);
      let armed = false;
      // The delay before the kill starts with the search, with the first epoch of a trial, or with the end of a trial, so that some
      // trials end even on a slow machine.
      const [since, within] = [
        [(text: string) => text !== '', 2500],
        [(text: string) => /(^|\s)1\n/.test(text), 1200],
        [() => listResults().size > before.size, 1200],
      ][kill % 3] as [(text: string) => boolean, number];
      await readOutput(child, (text) => {
        if (armed || !since(text)) return;
        armed = true;
        setTimeout(() => child.kill('SIGKILL'), draws.uniform(0, within));
      });
      const now = listResults();
      for (const [name, file] of before) expect(now.get(name)).toBe(file);
      before = now;
      phases.add(describePhase());
    }
    expect(before.size).toBeGreaterThan(0);
    // A few kills could all happen in the longest phase, the start of a trial process.
    if (KILLS >= 20) expect(phases.size).toBeGreaterThan(1);
    const cut = await run('plain', 'cut', options);
    expect(paramsOf(cut)).toEqual(paramsOf(whole));
    expect(cut.trials.map(plainRows)).toEqual(whole.trials.map(plainRows));
    expect(bestTrial(cut.trials, LOSS)!.number).toBe(bestTrial(whole.trials, LOSS)!.number);
  });

  test('resumes in the middle of a trial, and the trial has the same epochs as in an uninterrupted search', async () => {
    const options = { trials: 2, settings: { strategy: 'random', epochs: 4 } };
    const whole = await run('training', 'trained whole', options);
    for (const killAt of ['\n2\n', '\n4 1\n']) {
      const child = begin('training', 'trained cut', options);
      await readOutput(child, (text) => void (text.includes(killAt) && child.kill('SIGKILL')));
    }
    const cut = await run('training', 'trained cut', options);
    expect(cut.trials.map(plainRows)).toEqual(whole.trials.map(plainRows));
    expect(paramsOf(cut)).toEqual(paramsOf(whole));
  });

  test('saves its running trial when it is stopped by Ctrl-C, and resumes the trial later', async () => {
    await run('plain', 'stopped', { trials: 1 });
    // The trial waits for a file, so it does not end before the signal arrives.
    const settings = { gates: { 2: join(scratch, 'never') } };
    const child = begin('plain', 'stopped', { trials: 3, settings });
    let sent = false; // A second signal would end the search immediately.
    const text = await readOutput(child, (text) => {
      if (sent || !text.includes('\n3 1\n')) return;
      sent = true;
      child.kill('SIGINT');
    });
    const { stopped, trials }: Ended = parseOutput(text, 'RESULT') ?? expect.fail(text);
    expect(stopped).toBe('aborted');
    expect(trials.map(({ state }) => state)).toEqual(['complete', 'running']);
    expect(readdirSync(join(scratch, 'stopped'))).not.toContain('search.lock');
    const after = await run('plain', 'stopped', { trials: 3 });
    expect(after.trials.map(({ state }) => state)).toEqual(['complete', 'complete', 'complete']);
    expect(after.trials[1]!.params).toEqual(trials[1]!.params);
  });
});

test('a search ends when the disk is full, and loses no running or finished trial', async () => {
  // A trial writes four times: at its start and after three epochs. The result is written with `create`, which does not count toward the limit.
  const error = await runFailing('plain', 'full', { trials: 4, full: 4 + 3 });
  expect(error).toMatchObject({ kind: 'file', received: 'ENOSPC', path: 'trials/0002/trial.json' });
  const { trials } = await run('plain', 'full', { trials: 4 });
  expect(trials.map(({ state }) => state)).toEqual(Array(4).fill('complete'));
  expect(paramsOf({ trials, stopped: '' })).toEqual(paramsOf(await run('plain', 'not full', { trials: 4 })));
});

test('a parallel search bases each proposal on all trials that have ended before the proposal', async () => {
  const { trials } = await run('plain', 'three at once', { trials: 9, parallel: 3, settings: { pause: 15 } });
  expect(trials.some(({ number, after }) => after.length < number - 1)).toBe(true);
  const { space, strategy, objectives, seed = 0 } = plain({});
  for (const { number, params, after } of trials) {
    const known = getKnownTrials(number, after, trials);
    expect(
      (proposeTrial(space, { strategy, objectives, seed }, number, known) as TrialRecord).params,
    ).toEqual(params);
  }
});

test('a trial that Hyperband promotes gives the same result as an uninterrupted trial with the same optimizer state', async () => {
  const { trials, stopped } = await run('training', 'hyperband', { settings: { strategy: 'hyperband' } });
  expect(stopped).toBe('exhausted');
  const promoted = trials.filter(({ rung }) => rung?.parent !== undefined);
  expect(promoted).toHaveLength(1);
  const [{ rung, rows, params }] = promoted as [TrialRecord];
  expect(rows.map(({ epoch }) => epoch)).toEqual([1, 2, 3]);
  const parent = trials.find(({ number }) => number === rung!.parent)!;
  expect(parent.rows).toHaveLength(1);
  expect(plainRows({ rows: rows.slice(0, 1) } as unknown as TrialRecord)).toEqual(plainRows(parent));
  // The same params are trained in a single trial.
  const folder = join(scratch, 'alone');
  mkdirSync(join(folder, 'trials/0001'), { recursive: true });
  const study = JSON.parse(readFileSync(join(scratch, 'hyperband/study.json'), 'utf8'));
  writeFileSync(
    join(folder, 'study.json'),
    JSON.stringify({ ...study, strategy: { name: 'random', options: {} } }),
  );
  const record = { number: 1, params, state: 'running', rows: [], after: [] };
  writeFileSync(join(folder, 'trials/0001/trial.json'), JSON.stringify(record));
  const uninterrupted = await run('training', 'alone', {
    trials: 1,
    settings: { strategy: 'random', epochs: 3 },
  });
  expect(plainRows(uninterrupted.trials[0]!)).toEqual(plainRows(promoted[0]!));
});

test('the search and results commands start a search, show its results and resume it', async () => {
  const call = async (...args: string[]) => {
    const line = ['--import', 'tsx', 'src/node/cli.ts', ...args];
    const child = spawn(process.execPath, line, { cwd: ROOT, stdio: ['ignore', 'pipe', 'pipe'] });
    let errors = '';
    child.stderr.setEncoding('utf8').on('data', (part: string) => {
      errors += part;
    });
    return { text: await readOutput(child), errors, code: child.exitCode };
  };
  const folder = join(scratch, 'by hand');
  const module = 'test/runtime/studies/plain.ts';
  expect((await call('results', module, '--folder', folder)).errors).toMatch(
    /expected a study that was started with runStudy\(\)/,
  );
  const settings = JSON.stringify({ strategy: 'random', epochs: 2 });
  const begun = await call('search', module, '--folder', folder, '--trials', '2', '--settings', settings);
  expect(begun).toMatchObject({ code: 0, errors: '' });
  expect(begun.text).toMatch(/^1 .*\n2 .*\ntrial +state +epochs/);
  const shown = await call('results', module, '--folder', folder);
  expect(begun.text).toContain(shown.text.split('\n').slice(0, 3).join('\n'));
  for (const name of ['study.html', 'results.csv']) expect(readdirSync(folder)).toContain(name);
  await call('search', module, '--folder', folder, '--trials', '3', '--settings', settings);
  const timed = join(scratch, 'by hand, in time');
  const hanging = JSON.stringify({ strategy: 'random', faults: { 0: 'hang' } });
  const times = ['--timeout', '10', '--trial-timeout', '11'];
  const late = await call('search', module, '--folder', timed, ...times, '--settings', hanging);
  expect(late).toMatchObject({ code: 0, errors: '' }); // The search ends although all trials hang and --trials is missing.
  expect(late.text).toMatch(/^1 +failed .*it took longer than 11 s/);
  expect((await call('search', module, '--folder', timed, '--timeout', 'soon')).errors).toMatch(
    /--timeout: expected a number of seconds greater than 0, received "soon"/,
  );
  const listResults = [1, 2, 3].map((number) =>
    readFileSync(join(folder, `trials/000${number}/end.json`), 'utf8'),
  );
  expect(listResults.map((text) => JSON.parse(text).rows.length)).toEqual([2, 2, 2]);
  expect(await call('constructor')).toMatchObject({ code: 2, text: '' });
});

test('trials of a random search that run separately on independent machines equal the trials of a single search', async () => {
  const settings = { strategy: 'random', first: [{ x: 1, rate: 0.01, kind: 'b' }] };
  const whole = await run('plain', 'by chance', { trials: 3, settings });
  const runTrialCommand = (number: number, settingsJson = JSON.stringify(settings)) => {
    const args = [
      'src/node/cli.ts',
      'trial',
      'test/runtime/studies/plain.ts',
      '--folder',
      join(scratch, 'alone by chance'),
    ];
    const more = ['--number', String(number), '--settings', settingsJson];
    const child = spawn(process.execPath, ['--import', 'tsx', ...args, ...more], { cwd: ROOT });
    let text = '';
    for (const stream of [child.stdout, child.stderr])
      stream.setEncoding('utf8').on('data', (part) => {
        text += part;
      });
    return new Promise<string>((resolve) => child.on('close', () => resolve(text)));
  };
  expect(await Promise.all([3, 1, 2].map((number) => runTrialCommand(number)))).toEqual(
    [3, 1, 2].map((number) => `trial ${number} complete\n`),
  );
  expect(await runTrialCommand(2)).toBe('trial 2 complete\n'); // The trial is not run again.
  const together = await run('plain', 'alone by chance', { trials: 3, settings });
  expect(paramsOf(together)).toEqual(paramsOf(whole));
  expect(together.trials.map(plainRows)).toEqual(whole.trials.map(plainRows));
  expect(await runTrialCommand(4, '{"strategy": "tpe"}')).toContain(
    'expected a study with the grid or random strategy, received a study with the tpe strategy',
  );
});

describe('runStudy and the other functions that run a study', () => {
  test('reject a folder that belongs to another study, and the error names the difference', async () => {
    await run('plain', 'first', { trials: 1 });
    expect(await runFailing('plain', 'first', { trials: 2, settings: { seed: 6 } })).toMatchObject({
      kind: 'checkpoint',
      path: expect.stringMatching(/first: seed$/),
    });
    expect(
      (await runFailing('plain', 'first', { trials: 2, settings: { strategy: 'random' } })).path,
    ).toMatch(/: strategy$/);
    expect(
      (await runFailing('training', 'first', { trials: 2, settings: { strategy: 'random' } })).path,
    ).toMatch(/: space$/);
    const path = join(scratch, 'first/study.json');
    const text = readFileSync(path, 'utf8');
    writeFileSync(path, text.replace('"format":1', '"format":2'));
    expect((await runFailing('plain', 'first', { trials: 2 })).received).toBe(
      'a different version of the library',
    );
    writeFileSync(path, text);
    writeFileSync(join(scratch, 'first/trials/0001/end.json'), text.slice(0, 20));
    expect(await runFailing('plain', 'first', { trials: 2 })).toMatchObject({
      kind: 'file',
      path: expect.stringMatching(/0001\/end\.json$/),
      advice: expect.stringContaining('Remove the file'),
    });
  });

  test('reject a second search in the same folder, unless the process of the first search was killed', async () => {
    const store = folderStore(join(scratch, 'locked'));
    const unlock = await lockStudy(store);
    expect(await runFailing('plain', 'locked', { trials: 1 })).toMatchObject({
      kind: 'file',
      received: expect.stringContaining(`process ${process.pid} on `),
    });
    await unlock();
    await lockStudy(store);
    const { host } = JSON.parse(new TextDecoder().decode((await store.read('search.lock'))!));
    writeFileSync(join(scratch, 'locked/search.lock'), JSON.stringify({ host, pid: 2 ** 22 + 1 })); // This id is above the largest process id on Linux.
    expect((await run('plain', 'locked', { trials: 1 })).stopped).toBe('finished');
  });

  test('reject settings that are not JSON', async () => {
    for (const [settings, path, received] of [
      [5, 'settings', 'the number 5'],
      [[1], 'settings', 'an array'],
      [{ data: { since: new Date(0) } }, 'settings.data.since', 'a Date'],
      [{ make: [() => 1] }, 'settings.make[0]', 'a function'],
    ] as const) {
      const run = runStudy('plain.ts', loose({ folder: memoryStore(), trials: 1, settings }));
      await expect(run).rejects.toMatchObject({ kind: 'argument', path, received });
    }
  });

  test('reject invalid options, unknown options, and a search that would never end', async () => {
    expect((await runFailing('plain', 'options', { parallel: 0 })).path).toBe('runStudy.parallel');
    expect((await runFailing('plain', 'options', { threads: 0.5 })).path).toBe('runStudy.threads');
    for (const timeout of [0, '2', true])
      expect((await runFailing('plain', 'options', { trials: 1, timeout })).path).toBe('runStudy.timeout');
    expect((await runFailing('plain', 'options', { trialTimeout: -1 })).path).toBe('runStudy.trialTimeout');
    const trialOptions = { folder: memoryStore(), number: 1 };
    await expect(runSingleTrial('plain.ts', { ...trialOptions, trialTimeout: Number.NaN })).rejects.toThrow(
      /runSingleTrial\.trialTimeout/,
    );
    const queue = { url: 'redis://127.0.0.1' };
    expect(await runFailing('plain', 'options', { trials: 1, trialTimout: 3 })).toMatchObject({
      path: 'runStudy',
      received: 'the option "trialTimout"',
      advice: 'Did you mean "trialTimeout"?',
    });
    const invalidQueue = { url: 'redis://127.0.0.1', patience: 3 };
    for (const [call, message] of [
      [
        runSingleTrial('plain.ts', loose({ ...trialOptions, limit: 3 })),
        /runSingleTrial: expected only the options .*"limit"/,
      ],
      [
        runStudyWorker('plain.ts', loose({ ...trialOptions, queue })),
        /runStudyWorker: expected only the options .*"number"/,
      ],
      [readStudy('plain.ts', loose(trialOptions)), /readStudy: expected only the options .*"number"/],
    ] as const)
      await expect(call).rejects.toThrow(message);
    expect((await runFailing('plain', 'options', { trials: 1, queue: invalidQueue })).received).toBe(
      'the option "patience"',
    );
    await expect(
      runStudyWorker('plain.ts', { folder: trialOptions.folder, queue, parallel: 0 }),
    ).rejects.toThrow(/runStudyWorker\.parallel/);
    expect((await runFailing('plain', 'options', { trials: 1.5 })).path).toBe('runStudy.trials');
    expect((await runFailing('plain', 'options', {})).path).toBe('runStudy.trials');
    expect((await runFailing('none', 'options', { trials: 1 })).kind).toBe('file');
  });
});
