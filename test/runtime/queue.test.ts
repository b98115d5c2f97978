import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { type AddressInfo, createServer, type Socket } from 'node:net';
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

/** Number of workers that are killed. CI sets a larger number. */
const ROUNDS = Number(process.env.KILLED_WORKERS ?? 4);
/** Time limit in milliseconds: one minute per kill. */
const LIMIT = 60_000 * (3 + ROUNDS);

/** Running processes. Each has a promise that resolves when the process has ended and all its output is received. */
const running = new Map<ChildProcess, Promise<void>>();
function startProcess(command: string, args: readonly string[]): ChildProcess {
  const child = spawn(command, args, { cwd: ROOT, stdio: ['ignore', 'pipe', 'pipe'] });
  const close = new Promise<void>((resolve) => child.once('close', () => resolve()));
  running.set(child, close);
  close.then(() => running.delete(child));
  return child;
}
const waitForClose = async (child: ChildProcess) => running.get(child);
const kill = async (child: ChildProcess, signal: NodeJS.Signals = 'SIGKILL') => {
  child.kill(signal);
  await waitForClose(child);
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
 * Returns a free port below 32768. The system assigns higher ports, and could assign this port to another test while the server is
 * stopped.
 */
async function freePort(): Promise<number> {
  for (;;) {
    const candidate = 20_000 + Math.floor(12_000 * Math.random());
    const free = await new Promise<boolean>((resolve) => {
      const socket = createServer()
        .once('error', () => resolve(false))
        .listen(candidate, '127.0.0.1', () => socket.close(() => resolve(true)));
    });
    if (free) return candidate;
  }
}
/** Starts a Redis server that loses all data when it stops. */
async function startRedis(...more: string[]): Promise<ChildProcess> {
  const child = startProcess(redis!, [
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
  await waitForOutput(child, 'Ready to accept connections');
  return child;
}

/** Waits until the output of a process contains a text. */
const waitForOutput = (child: ChildProcess, expectedText: string) =>
  new Promise<void>((resolve, reject) => {
    let text = '';
    child.stdout!.setEncoding('utf8').on('data', (part: string) => {
      text += part;
      if (text.includes(expectedText)) resolve();
    });
    child.once('close', () => reject(new Error(`ended without "${expectedText}": ${text}`)));
  });

const queue = (name: string) => ({ url: `redis://127.0.0.1:${port}`, name, workerTimeout: 2 });

/** Starts a search that adds trials to a queue. */
function search(name: string, options: object, module = 'plain') {
  const optionsJson = JSON.stringify({ queue: queue(name), ...options });
  const child = startProcess(process.execPath, [
    '--import',
    'tsx',
    'test/runtime/studies/run.ts',
    module,
    join(scratch, name),
    optionsJson,
  ]);
  let text = '';
  child.stdout!.setEncoding('utf8').on('data', (part: string) => {
    text += part;
  });
  let errors = '';
  child.stderr!.setEncoding('utf8').on('data', (part: string) => {
    errors += part;
  });
  const ended = async () => {
    await waitForClose(child);
    const line = text.split('\n').find((each) => /^(RESULT|ERROR)/.test(each));
    return JSON.parse(line?.replace(/^\w+/, '') ?? expect.fail(text + errors));
  };
  /** Waits until the search has written the study to the folder, because a worker needs the study. */
  const begun = async () => {
    while (!existsSync(join(scratch, name, 'study.json'))) {
      if (child.exitCode !== null || child.signalCode !== null) expect.fail(text + errors);
      await sleep(100);
    }
  };
  /** Waits until the search has locked the folder; the time of its timeout then runs. */
  const locked = async () => {
    while (!existsSync(join(scratch, name, 'search.lock'))) {
      if (child.exitCode !== null || child.signalCode !== null) expect.fail(text + errors);
      await sleep(50);
    }
  };
  return { child, begun, locked, ended };
}
const sleep = (milliseconds: number) => new Promise((resolve) => setTimeout(resolve, milliseconds));

/** Starts a worker of a study. The first additional argument can be a different module. */
const worker = (name: string, ...additionalArguments: string[]) => {
  const [module, ...otherArguments] = additionalArguments[0]?.endsWith('.ts')
    ? additionalArguments
    : ['test/runtime/studies/plain.ts', ...additionalArguments];
  const address = `redis://127.0.0.1:${port}`;
  const queueArguments = [
    '--folder',
    join(scratch, name),
    '--queue',
    address,
    '--name',
    name,
    '--worker-timeout',
    '2',
  ];
  const args = [
    '--import',
    'tsx',
    'src/node/cli.ts',
    'worker',
    module!,
    ...queueArguments,
    ...otherArguments,
  ];
  return startProcess(process.execPath, args);
};
const listResults = (name: string) => {
  const folder = join(scratch, name, 'trials');
  if (!existsSync(folder)) return new Map<string, number>(); // The search has not proposed a trial yet.
  const files = readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter((file) =>
    file.endsWith('end.json'),
  );
  return new Map(files.map((file) => [file, statSync(join(folder, file)).ino]));
};

describe.skipIf(!redis)('a search with a Redis queue', () => {
  beforeAll(async () => {
    port = await freePort();
    server = await startRedis();
  });

  test('counts each trial exactly once while workers are killed at random moments', {
    timeout: LIMIT,
  }, async () => {
    const settings = { pause: 400 };
    // The search has more trials than workers can complete before the last kill. Trials that were started are completed below.
    const first = search('killed', { trials: 10 * (1 + ROUNDS), parallel: 2, settings });
    await first.begun();
    const draws = createRng(1, 'kills');
    const steady = worker('killed');
    await waitForOutput(steady, 'waiting');
    let before = new Map<string, number>();
    for (let round = 0; round < ROUNDS; round++) {
      const victim = worker('killed');
      // A worker is killed while it runs a trial, or at a random moment, for example while it starts or waits.
      if (round % 3 > 0) await waitForOutput(victim, 'begins');
      await sleep(draws.uniform(0, round % 3 > 0 ? 1500 : 4000));
      await kill(victim);
      const now = listResults('killed');
      for (const [name, file] of before) expect(now.get(name)).toBe(file);
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
    const now = listResults('killed');
    expect(now.size).toBe(count);
    for (const [name, file] of before) expect(now.get(name)).toBe(file);
    await kill(steady, 'SIGINT');
  });

  test('loses at most the last epoch of a trial when its worker is killed', async () => {
    // The study is first started with different settings, as if the user tried out a search.
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
      while ((output().at(-1) ?? 0) < 2 * round) await sleep(50);
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

  test('continues after the Redis server loses all its data in a restart', async () => {
    const gate = join(scratch, 'restarted');
    const settings = { pause: 150, gates: { 4: gate } }; // The search has too many trials to end before the restart.
    const { begun, ended } = search('forgotten', { trials: 4, parallel: 2, settings });
    await begun();
    const steady = worker('forgotten');
    await waitForOutput(steady, 'trial 1 complete');
    await kill(server!);
    server = await startRedis();
    writeFileSync(gate, '');
    const { trials } = await ended();
    expect(trials.map(({ state }: TrialRecord) => state)).toEqual(Array(4).fill('complete'));
    await kill(steady, 'SIGINT');
  });

  test('ends when the Redis server remains unreachable, and resumes when the server is available again', async () => {
    const gate = join(scratch, 'given up');
    const options = { trials: 3, settings: { gates: { 2: gate } } }; // The search has too many trials to end before the outage.
    const first = search('away for long', options);
    await first.begun();
    const steady = worker('away for long');
    await waitForOutput(steady, 'trial 1 complete');
    await kill(server!);
    expect(await first.ended()).toMatchObject({
      kind: 'queue',
      advice: expect.stringContaining('The results of finished trials are preserved'),
    });
    writeFileSync(gate, '');
    server = await startRedis();
    const { trials } = await search('away for long', options).ended();
    expect(trials.map(({ state }: TrialRecord) => state)).toEqual(Array(3).fill('complete'));
    await kill(steady, 'SIGINT');
  });

  test('removes waiting trials from the queue after the timeout, but completes trials that a worker has started', async () => {
    const gate = join(scratch, 'timed out');
    const options = { trials: 2, parallel: 2, settings: { gates: { 1: gate, 2: gate } } };
    // Without a worker, the timeout expires before either of the two proposed trials starts.
    const begun = search('in time', options);
    while (!existsSync(join(scratch, 'in time/trials/0002/trial.json'))) {
      if (begun.child.exitCode !== null) expect.fail('the search ended');
      await sleep(100);
    }
    await kill(begun.child, 'SIGINT');
    const none = await search('in time', { ...options, timeout: 2 }).ended();
    expect(none.stopped).toBe('timeout');
    expect(none.trials.map(({ rows }: TrialRecord) => rows.length)).toEqual([0, 0]);
    // With a worker, one of the two trials is running when the timeout expires.
    const steady = worker('in time');
    await waitForOutput(steady, 'waiting for trials');
    const second = search('in time', { ...options, timeout: 20 });
    // The worker may start a trial that the earlier search left in the queue before this search has started and holds its lock.
    await Promise.all([waitForOutput(steady, ' begins'), second.locked()]);
    await sleep(23_000);
    expect(second.child.exitCode).toBe(null);
    writeFileSync(gate, '');
    const statesOf = ({ trials }: { trials: TrialRecord[] }) => trials.map(({ state }) => state).sort();
    const some = await second.ended();
    expect([some.stopped, ...statesOf(some)]).toEqual(['timeout', 'complete', 'running']);
    const all = await search('in time', options).ended();
    expect([all.stopped, ...statesOf(all)]).toEqual(['finished', 'complete', 'complete']);
    await kill(steady, 'SIGINT');
  });

  test('lets another worker resume the trial of a stopped worker', async () => {
    const { begun, ended } = search('left', { trials: 1, settings: { epochs: 6 } });
    await begun();
    // The trial waits after its first epoch, and the worker is stopped at that point.
    const first = worker('left', '--settings', JSON.stringify({ gates: { 1: join(scratch, 'never') } }));
    await waitForOutput(first, 'trial 1 begins');
    const record = join(scratch, 'left/trials/0001/trial.json');
    while (JSON.parse(readFileSync(record, 'utf8')).rows.length === 0) await sleep(100);
    await kill(first, 'SIGTERM');
    expect(first.exitCode).toBe(0);
    const second = worker('left');
    await waitForOutput(second, 'trial 1 complete');
    expect((await ended()).trials[0].rows).toHaveLength(6);
    await kill(second, 'SIGINT');
  });

  test('rejects a worker with different data, a different library version, different code, or a folder without a study', async () => {
    const { child } = search('refused', { trials: 1 });
    // The search read the study record before the first trial, so only workers read the changes below.
    while (!existsSync(join(scratch, 'refused/trials/0001/trial.json'))) {
      if (child.exitCode !== null) expect.fail('the search ended');
      await sleep(100);
    }
    const readErrors = async (process: ChildProcess) => {
      let text = '';
      process.stderr!.setEncoding('utf8').on('data', (part: string) => {
        text += part;
      });
      await waitForClose(process);
      return text;
    };
    expect(await readErrors(worker('refused', '--settings', '{"seed": 9}'))).toMatch(
      /refused: seed: expected the same seed/,
    );
    const record = join(scratch, 'refused/study.json');
    const text = readFileSync(record, 'utf8');
    writeFileSync(record, text.replace(/"library":"[^"]+"/, '"library":"0.0.1"'));
    expect(await readErrors(worker('refused'))).toMatch(
      /library: .*received a different version of the library/,
    );
    writeFileSync(record, text.replace('"digest":""', '"digest":"other data"'));
    expect(await readErrors(worker('refused'))).toMatch(/refused: digest: expected the same digest/);
    writeFileSync(record, text);
    // The module defines the same study with different code.
    const other = join(scratch, 'other.ts');
    writeFileSync(other, `export { default } from '${ROOT}test/runtime/studies/plain.ts';\n`);
    expect(await readErrors(worker('refused', other))).toMatch(
      /expected the same code as the search in .*, received a different version of the code/,
    );
    expect(await readErrors(worker('nowhere'))).toMatch(
      /nowhere\/study\.json: expected a study that was started with runStudy\(\)/,
    );
    expect(await readErrors(worker('refused', '--settings', '[1]'))).toMatch(
      /--settings: expected a JSON object/,
    );
    await kill(child);
  });

  test('lets a worker return a trial of another study to the queue, and the worker logs the reason once', async () => {
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
    await waitForOutput(stranger, 'received a trial of a different study');
    const { trials } = await second.ended();
    expect(trials[0].state).toBe('complete');
    await sleep(1500); // Meanwhile, the first search adds its trial to the queue again.
    expect(text.match(/Use a different queue name for each study/g)).toHaveLength(1);
    const matching = worker('shared queue');
    expect((await first.ended()).trials[0].state).toBe('complete');
    await Promise.all([kill(matching, 'SIGINT'), kill(stranger, 'SIGINT')]);
  });

  test('reports an unreachable Redis server and a missing password, with advice', async () => {
    const free = await freePort();
    const away = await search('away', { trials: 1, queue: { url: `redis://127.0.0.1:${free}` } }).ended();
    expect(away).toMatchObject({
      kind: 'queue',
      path: `127.0.0.1:${free}`,
      received: expect.stringContaining('ECONNREFUSED'),
    });
    expect(away.advice).toContain('Start the server');
    expect((await search('odd', { trials: 1, queue: { url: 'localhost' } }).ended()).path).toBe('queue.url');
    const mainPort = port;
    port = free;
    const guarded = await startRedis('--requirepass', 'secret');
    port = mainPort;
    const locked = await search('locked', { trials: 1, queue: { url: `redis://127.0.0.1:${free}` } }).ended();
    expect(locked).toMatchObject({ kind: 'queue', advice: expect.stringContaining('password') });
    await kill(guarded);
  });
});

/** Commands with which a connection begins. */
const HANDSHAKE = /^(?:info|ping|client|hello|select)$/i;

/** A Redis server that answers some commands only. */
function startScriptedServer(answered: RegExp) {
  const sockets = new Set<Socket>();
  const scripted = createServer((socket) => {
    sockets.add(socket);
    socket.on('error', () => {});
    socket.on('data', (data) => {
      for (const [, command] of String(data).matchAll(/\*\d+\r\n\$\d+\r\n(\w+)/g)) {
        if (!answered.test(command!)) continue;
        const info = 'redis_version:7.2.0\r\nloading:0\r\n';
        if (/^info$/i.test(command!)) socket.write(`$${info.length}\r\n${info}\r\n`);
        else if (/^select$/i.test(command!)) socket.write('-ERR DB index is out of range\r\n');
        else if (/^hello$/i.test(command!)) socket.write('-NOPROTO unsupported protocol version\r\n');
        else socket.write(/^ping$/i.test(command!) ? '+PONG\r\n' : '+OK\r\n');
      }
    });
  });
  return new Promise<{ url: string; close(): void }>((resolve) => {
    scripted.listen(0, '127.0.0.1', () =>
      resolve({
        url: `redis://127.0.0.1:${(scripted.address() as AddressInfo).port}`,
        close: () => {
          for (const socket of sockets) socket.destroy();
          scripted.close();
        },
      }),
    );
  });
}

describe('a Redis server that accepts connections and does not answer', () => {
  test('ends a search and a worker with a queue error that contains the server', async () => {
    const silent = await startScriptedServer(/^$/);
    const options = { trials: 1, queue: { url: silent.url, workerTimeout: 2 } };
    const error = await search('silent', options).ended();
    expect(error).toMatchObject({ kind: 'queue', path: silent.url.slice('redis://'.length) });
    expect(error.received).toContain('no response within 5 seconds');
    port = Number(new URL(silent.url).port);
    const child = worker('silent');
    let text = '';
    child.stderr!.on('data', (part) => {
      text += part;
    });
    await waitForClose(child);
    expect(text).toContain('no response within 5 seconds');
    silent.close();
  });

  test('does not delay the end of a search by its timeout or its signal', async () => {
    const silent = await startScriptedServer(/^$/);
    const options = { trials: 1, queue: { url: silent.url } };
    const timed = search('silent until timeout', { ...options, timeout: 0.5 });
    expect(await timed.ended()).toMatchObject({ stopped: 'timeout' });
    const aborted = search('silent until abort', options);
    await aborted.begun();
    aborted.child.kill('SIGINT');
    expect(await aborted.ended()).toMatchObject({ stopped: 'aborted' });
    silent.close();
  });

  test('after its handshake ends a search that waits for a trial', async () => {
    const silent = await startScriptedServer(HANDSHAKE);
    const options = { trials: 1, queue: { url: silent.url, workerTimeout: 2 } };
    const [aborted, failed] = [search('mute abort', options), search('mute error', options)];
    while (!existsSync(join(scratch, 'mute abort/trials/0001/trial.json'))) {
      if (aborted.child.exitCode !== null) expect.fail('the search ended');
      await sleep(50);
    }
    aborted.child.kill('SIGINT');
    expect(await aborted.ended()).toMatchObject({ stopped: 'aborted' });
    expect(await failed.ended()).toMatchObject({
      kind: 'queue',
      received: expect.stringContaining('no response'),
    });
    silent.close();
  });

  test('does not delay the end of a worker by its signal', async () => {
    const silent = await startScriptedServer(HANDSHAKE);
    const study = search('mute worker', { trials: 1, queue: { url: silent.url, workerTimeout: 2 } });
    await study.begun();
    port = Number(new URL(silent.url).port);
    const child = worker('mute worker');
    await waitForOutput(child, 'waiting for trials');
    const start = performance.now();
    await kill(child, 'SIGTERM');
    expect(child.exitCode).toBe(0);
    expect(performance.now() - start).toBeLessThan(30_000);
    await kill(study.child);
    silent.close();
  });

  test('is distinguished from a server without the database of the URL', async () => {
    const scripted = await startScriptedServer(HANDSHAKE);
    const error = await search('no database', { trials: 1, queue: { url: `${scripted.url}/99` } }).ended();
    expect(error).toMatchObject({ kind: 'argument', path: 'queue.url' });
    expect(error.received).toBe('database 99 (ERR DB index is out of range)');
    scripted.close();
  });
});
