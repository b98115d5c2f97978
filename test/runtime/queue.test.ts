import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { createRng } from '../../src/core/rng.js';
import type { TrialRecord } from '../../src/tuner/index.js';

const ROOT = new URL('../..', import.meta.url).pathname;
const scratch = mkdtempSync(join(tmpdir(), 'queue-'));
const redis = (() => {
  try {
    return execFileSync('which', ['redis-server'], { encoding: 'utf8' }).trim();
  } catch {
    return undefined;
  }
})();

/** Workers that are killed; CI asks for more. */
const ROUNDS = Number(process.env.KILLED_WORKERS ?? 4);
/** Milliseconds for all of them: a minute for each. */
const LIMIT = 60_000 * (3 + ROUNDS);

/** The processes that run, and when each has ended and all that it printed was heard: some time after its exit. */
const running = new Map<ChildProcess, Promise<void>>();
function started(command: string, args: readonly string[]): ChildProcess {
  const child = spawn(command, args, { cwd: ROOT, stdio: ['ignore', 'pipe', 'pipe'] });
  const close = new Promise<void>((resolve) => child.once('close', () => resolve()));
  running.set(child, close);
  close.then(() => running.delete(child));
  return child;
}
const closed = async (child: ChildProcess) => running.get(child);
const kill = async (child: ChildProcess, signal: NodeJS.Signals = 'SIGKILL') => {
  child.kill(signal);
  await closed(child);
};
afterEach(() =>
  Promise.all([...running.keys()].filter((child) => child !== server).map((child) => kill(child))).then(
    () => {},
  ),
);
afterAll(async () => {
  if (server) await kill(server);
  rmSync(scratch, { recursive: true, force: true });
});

let server: ChildProcess | undefined;
let port = 0;
/**
 * A port where nobody listens. Not of those that a system gives by itself, from 32768 on: while the server is away, another test
 * would get it.
 */
async function freePort(): Promise<number> {
  for (;;) {
    const wanted = 20_000 + Math.floor(12_000 * Math.random());
    const free = await new Promise<boolean>((resolve) => {
      const socket = createServer()
        .once('error', () => resolve(false))
        .listen(wanted, '127.0.0.1', () => socket.close(() => resolve(true)));
    });
    if (free) return wanted;
  }
}
/** A server that forgets everything when it stops. */
async function startRedis(...more: string[]): Promise<ChildProcess> {
  const child = started(redis!, [
    '--port',
    String(port),
    '--bind',
    '127.0.0.1',
    '--save',
    '',
    '--appendonly',
    'no',
    ...more,
  ]);
  await heard(child, 'Ready to accept connections');
  return child;
}

const heard = (child: ChildProcess, words: string) =>
  new Promise<void>((resolve, reject) => {
    let text = '';
    child.stdout!.setEncoding('utf8').on('data', (part: string) => {
      text += part;
      if (text.includes(words)) resolve();
    });
    child.once('close', () => reject(new Error(`ended without "${words}": ${text}`)));
  });

const queue = (name: string) => ({ url: `redis://127.0.0.1:${port}`, name, workerTimeout: 2 });

/** A search that hands its trials out. */
function search(name: string, options: object, module = 'plain') {
  const whole = JSON.stringify({ queue: queue(name), ...options });
  const child = started(process.execPath, [
    '--import',
    'tsx',
    'test/runtime/studies/run.ts',
    module,
    join(scratch, name),
    whole,
  ]);
  let text = '';
  child.stdout!.setEncoding('utf8').on('data', (part: string) => {
    text += part;
  });
  let wrong = '';
  child.stderr!.setEncoding('utf8').on('data', (part: string) => {
    wrong += part;
  });
  const ended = async () => {
    await closed(child);
    const line = text.split('\n').find((one) => /^(RESULT|FAULT)/.test(one));
    return JSON.parse(line?.replace(/^\w+/, '') ?? expect.fail(text + wrong));
  };
  /** Until its study stands in the folder: before, a worker has nothing to come to. */
  const begun = async () => {
    while (!existsSync(join(scratch, name, 'study.json'))) {
      if (child.exitCode !== null || child.signalCode !== null) expect.fail(text + wrong);
      await after(100);
    }
  };
  return { child, begun, ended };
}
const after = (milliseconds: number) => new Promise((resolve) => setTimeout(resolve, milliseconds));

/** A worker of a study; a module of its own may come first. */
const worker = (name: string, ...more: string[]) => {
  const [module, ...others] = more[0]?.endsWith('.ts') ? more : ['test/runtime/studies/plain.ts', ...more];
  const address = `redis://127.0.0.1:${port}`;
  const named = [
    '--folder',
    join(scratch, name),
    '--queue',
    address,
    '--name',
    name,
    '--worker-timeout',
    '2',
  ];
  const args = ['--import', 'tsx', 'src/node/cli.ts', 'worker', module!, ...named, ...others];
  return started(process.execPath, args);
};
const ends = (name: string) => {
  const folder = join(scratch, name, 'trials');
  if (!existsSync(folder)) return new Map<string, number>(); // no trial was proposed yet
  const names = readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter((one) =>
    one.endsWith('end.json'),
  );
  return new Map(names.map((one) => [one, statSync(join(folder, one)).ino]));
};

describe.skipIf(!redis)('trials on many machines', () => {
  beforeAll(async () => {
    port = await freePort();
    server = await startRedis();
  });

  test('are each counted once and none is lost, while workers are killed at any moment', {
    timeout: LIMIT,
  }, async () => {
    const settings = { pause: 400 };
    // More than can be done before the last kill: what was begun by then is brought to its end below.
    const first = search('killed', { trials: 10 * (1 + ROUNDS), parallel: 2, settings });
    await first.begun();
    const draws = createRng(1, 'kills');
    const steady = worker('killed');
    await heard(steady, 'waiting');
    let before = new Map<string, number>();
    for (let round = 0; round < ROUNDS; round++) {
      const victim = worker('killed');
      // With a trial in hand, however long it takes to get one; or at any moment, while it starts or waits as well.
      if (round % 3 > 0) await heard(victim, 'begins');
      await after(draws.uniform(0, round % 3 > 0 ? 1500 : 4000));
      await kill(victim);
      const now = ends('killed');
      for (const [one, file] of before) expect(now.get(one)).toBe(file);
      before = now;
    }
    first.child.kill('SIGINT');
    const begun: { trials: TrialRecord[]; stopped: string } = await first.ended();
    expect(begun.stopped).toBe('aborted');
    const count = begun.trials.length;
    const last = search('killed', { trials: count, parallel: 2, settings });
    const { trials, stopped }: { trials: TrialRecord[]; stopped: string } = await last.ended();
    expect(stopped).toBe('finished');
    expect(trials.map(({ number, state }) => [number, state])).toEqual(
      Array.from({ length: count }, (_, i) => [i + 1, 'complete']),
    );
    expect(trials.every(({ rows }) => rows.map(({ epoch }) => epoch).join() === '1,2,3')).toBe(true);
    const now = ends('killed');
    expect(now.size).toBe(count);
    for (const [one, file] of before) expect(now.get(one)).toBe(file);
    await kill(steady, 'SIGINT');
  });

  test('lose at most the last epoch of each worker that is killed, and take the settings of the search', async () => {
    // Begun with other settings, as a search is that was tried out first.
    const first = search(
      'trained',
      { trials: 1, queue: undefined, settings: { strategy: 'random', epochs: 1 } },
      'training',
    );
    expect((await first.ended()).trials).toMatchObject([{ state: 'complete' }]);
    const settings = { strategy: 'random', epochs: 6, pause: 700 };
    const { ended } = search('trained', { trials: 2, settings }, 'training');
    const module = 'test/runtime/studies/training.ts';
    const output = () => {
      const path = join(scratch, 'trained/trials/0002/output.txt');
      return existsSync(path)
        ? [...readFileSync(path, 'utf8').matchAll(/trained epoch (\d+)/g)].map(([, epoch]) => Number(epoch))
        : [];
    };
    const kills = 2;
    for (let round = 1; round <= kills; round++) {
      const victim = worker('trained', module);
      while ((output().at(-1) ?? 0) < 2 * round) await after(50);
      await kill(victim);
    }
    const steady = worker('trained', module);
    const { trials } = await ended();
    expect(trials[1].rows.map(({ epoch }: { epoch: number }) => epoch)).toEqual([1, 2, 3, 4, 5, 6]);
    const trained = output();
    expect(new Set(trained)).toEqual(new Set([1, 2, 3, 4, 5, 6]));
    expect(trained.length).toBeLessThanOrEqual(6 + kills);
    await kill(steady, 'SIGINT');
  });

  test('go on when the server was restarted and forgot everything', async () => {
    const gate = join(scratch, 'restarted');
    const settings = { pause: 150, held: { 4: gate } }; // the search is not over before
    const { begun, ended } = search('forgotten', { trials: 4, parallel: 2, settings });
    await begun();
    const steady = worker('forgotten');
    await heard(steady, 'trial 1 complete');
    await kill(server!);
    server = await startRedis();
    writeFileSync(gate, '');
    const { trials } = await ended();
    expect(trials.map(({ state }: TrialRecord) => state)).toEqual(Array(4).fill('complete'));
    await kill(steady, 'SIGINT');
  });

  test('stop when the server stays away, and go on when it is back', async () => {
    const gate = join(scratch, 'given up');
    const options = { trials: 3, settings: { held: { 2: gate } } }; // the search is not over before
    const first = search('away for long', options);
    await first.begun();
    const steady = worker('away for long');
    await heard(steady, 'trial 1 complete');
    await kill(server!);
    expect(await first.ended()).toMatchObject({
      kind: 'queue',
      advice: expect.stringContaining('Finished trials are kept'),
    });
    writeFileSync(gate, '');
    server = await startRedis();
    const { trials } = await search('away for long', options).ended();
    expect(trials.map(({ state }: TrialRecord) => state)).toEqual(Array(3).fill('complete'));
    await kill(steady, 'SIGINT');
  });

  test('begin no more after the timeout: what no worker has taken is taken back, what one has comes to its end', async () => {
    const gate = join(scratch, 'timed out');
    const options = { trials: 2, parallel: 2, settings: { held: { 1: gate, 2: gate } } };
    // Without a worker: two trials that stand, and the time is over before anybody comes.
    const begun = search('in time', options);
    while (!existsSync(join(scratch, 'in time/trials/0002/trial.json'))) {
      if (begun.child.exitCode !== null) expect.fail('the search ended');
      await after(100);
    }
    await kill(begun.child, 'SIGINT');
    const none = await search('in time', { ...options, timeout: 2 }).ended();
    expect(none.stopped).toBe('timeout');
    expect(none.trials.map(({ rows }: TrialRecord) => rows.length)).toEqual([0, 0]);
    // With one that has either of them in hand when the time is over.
    const steady = worker('in time');
    await heard(steady, 'waiting for trials');
    const second = search('in time', { ...options, timeout: 20 });
    await heard(steady, ' begins');
    await after(22_000);
    expect(second.child.exitCode).toBe(null);
    writeFileSync(gate, '');
    const statesOf = ({ trials }: { trials: TrialRecord[] }) => trials.map(({ state }) => state).sort();
    const some = await second.ended();
    expect([some.stopped, ...statesOf(some)]).toEqual(['timeout', 'complete', 'running']);
    const all = await search('in time', options).ended();
    expect([all.stopped, ...statesOf(all)]).toEqual(['finished', 'complete', 'complete']);
    await kill(steady, 'SIGINT');
  });

  test('a worker that is told to stop leaves its trial to others', async () => {
    const { begun, ended } = search('left', { trials: 1, settings: { epochs: 6 } });
    await begun();
    // Held where it is stopped, after its first epoch.
    const first = worker('left', '--settings', JSON.stringify({ held: { 1: join(scratch, 'never') } }));
    await heard(first, 'trial 1 begins');
    const record = join(scratch, 'left/trials/0001/trial.json');
    while (JSON.parse(readFileSync(record, 'utf8')).rows.length === 0) await after(100);
    await kill(first, 'SIGTERM');
    expect(first.exitCode).toBe(0);
    const second = worker('left');
    await heard(second, 'trial 1 complete');
    expect((await ended()).trials[0].rows).toHaveLength(6);
    await kill(second, 'SIGINT');
  });

  test('a worker with other data, or of another library, is refused; so is one without the folder', async () => {
    const { child } = search('refused', { trials: 1 });
    // Its first trial stands: what is changed below is read by workers alone.
    while (!existsSync(join(scratch, 'refused/trials/0001/trial.json'))) {
      if (child.exitCode !== null) expect.fail('the search ended');
      await after(100);
    }
    const said = async (one: ChildProcess) => {
      let text = '';
      one.stderr!.setEncoding('utf8').on('data', (part: string) => {
        text += part;
      });
      await closed(one);
      return text;
    };
    expect(await said(worker('refused', '--settings', '{"seed": 9}'))).toMatch(
      /refused: seed: expected the same seed/,
    );
    const record = join(scratch, 'refused/study.json');
    const text = readFileSync(record, 'utf8');
    writeFileSync(record, text.replace(/"library":"[^"]+"/, '"library":"0.0.1"'));
    expect(await said(worker('refused'))).toMatch(
      /library: .*received records of another version of the library/,
    );
    writeFileSync(record, text.replace('"digest":""', '"digest":"other data"'));
    expect(await said(worker('refused'))).toMatch(/refused: digest: expected the same digest/);
    writeFileSync(record, text);
    // The same study, by a file that says it otherwise.
    const other = join(scratch, 'other.ts');
    writeFileSync(other, `export { default } from '${ROOT}test/runtime/studies/plain.ts';\n`);
    expect(await said(worker('refused', other))).toMatch(
      /expected the same code as the search, .*, received another version of the code/,
    );
    expect(await said(worker('nowhere'))).toMatch(
      /nowhere\/study\.json: expected a study that a search has started/,
    );
    expect(await said(worker('refused', '--settings', '[1]'))).toMatch(/--settings: expected a JSON object/);
    await kill(child);
  });

  test('a worker that meets a trial of another study says so once, and leaves it', async () => {
    const first = search('shared queue', { trials: 1 });
    await first.begun();
    const second = search('other study', {
      trials: 1,
      settings: { seed: 6 },
      queue: queue('shared queue'),
    });
    await second.begun();
    const stranger = worker('other study', '--name', 'shared queue');
    let text = '';
    stranger.stdout!.setEncoding('utf8').on('data', (part: string) => {
      text += part;
    });
    await heard(stranger, 'received a trial of another study');
    const { trials } = await second.ended();
    expect(trials[0].state).toBe('complete');
    await after(1500); // the trial of the first is handed out again meanwhile
    expect(text.match(/Give each study its own queue name/g)).toHaveLength(1);
    const own = worker('shared queue');
    expect((await first.ended()).trials[0].state).toBe('complete');
    await Promise.all([kill(own, 'SIGINT'), kill(stranger, 'SIGINT')]);
  });

  test('a server that refuses, or wants a password, is named, with what to do', async () => {
    const free = await freePort();
    const away = await search('away', { trials: 1, queue: { url: `redis://127.0.0.1:${free}` } }).ended();
    expect(away).toMatchObject({
      kind: 'queue',
      path: `127.0.0.1:${free}`,
      received: expect.stringContaining('ECONNREFUSED'),
    });
    expect(away.advice).toContain('Start the server');
    expect((await search('odd', { trials: 1, queue: { url: 'localhost' } }).ended()).path).toBe('queue.url');
    const own = port;
    port = free;
    const guarded = await startRedis('--requirepass', 'secret');
    port = own;
    const locked = await search('locked', { trials: 1, queue: { url: `redis://127.0.0.1:${free}` } }).ended();
    expect(locked).toMatchObject({ kind: 'queue', advice: expect.stringContaining('password') });
    await kill(guarded);
  });
});
