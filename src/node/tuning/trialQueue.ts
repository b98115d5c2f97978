import { digestJson } from '../../core/digest.js';
import * as checks from '../../core/errors/checks.js';
import { createError } from '../../core/errors/errors.js';
import type { Store } from '../../core/platform/platform.js';
import { loadPackage } from '../platform/loadPackage.js';
import type { StudySettings } from './trial/loadStudy.js';

/**
 * Where trials are handed out: a Redis server, and the name of a queue.
 *
 * @category Tuner
 */
export interface QueueOptions {
  /** Address of the server, with user and password where it wants them: `redis://:secret@host:6379`. */
  readonly url: string;
  /** Of the queue. Default: one of its own for each study. */
  readonly name?: string;
  /** Seconds after which a worker that went silent is taken to be gone, and its trial given to another. Default 30. */
  readonly workerTimeout?: number;
}

type Bullmq = typeof import('bullmq');

/** Seconds for which a server may be away before the search gives up: time to start it again. */
export const getMaxOutageSeconds = ({ workerTimeout = 30 }: QueueOptions) => Math.max(10, 2 * workerTimeout);

/** The longest `workerTimeout`: a day. */
const MAX_WORKER_TIMEOUT = 86_400;

/** Milliseconds for saying goodbye to a server that may be gone. */
export const CLOSE_TIMEOUT_MS = 1000;

/** A job says which trial, and of which study: a worker that has another one must not touch it. */
export interface TrialJob {
  readonly number: number;
  readonly study: string;
  /** Of the module that the search has: a worker with another would try something else. */
  readonly code: string;
  /** What the search gives the module now; it may have begun with others. */
  readonly settings: StudySettings;
}

/** What tells studies apart on a server: their `study.json`. */
export async function computeStudyHash(store: Store): Promise<string> {
  const bytes = await store.read('study.json');
  return (await digestJson(new TextDecoder().decode(bytes ?? new Uint8Array()))).slice(0, 16);
}

/** The settings of connections, and the time that BullMQ takes to find a silent worker. */
export function createQueueConfig(options: QueueOptions, study: string) {
  checks.optionNames('queue', options, ['url', 'name', 'workerTimeout']);
  const { url, name, workerTimeout = 30 } = options;
  checks.number('queue.workerTimeout', workerTimeout, {
    noun: 'a number of seconds',
    above: 0,
    max: MAX_WORKER_TIMEOUT,
    defaultValue: 30,
  });
  let address: URL;
  try {
    address = new URL(url);
  } catch {
    throw createUrlError();
  }
  const database = address.pathname.slice(1);
  if (!/^rediss?:$/.test(address.protocol) || !/^\d*$/.test(database)) throw createUrlError();
  return {
    name: name ?? `tfjs-multitask-${study}`,
    serverLabel: `${address.hostname}:${address.port || 6379}`,
    connection: {
      host: address.hostname.replace(/^\[(.*)\]$/, '$1'), // of an address of IPv6
      port: Number(address.port || 6379),
      ...(address.username && { username: decodeURIComponent(address.username) }),
      ...(address.password && { password: decodeURIComponent(address.password) }),
      ...(database !== '' && { db: Number(database) }),
      ...(address.protocol === 'rediss:' && { tls: {} }),
      // It comes back in its own time; what is asked meanwhile waits.
      maxRetriesPerRequest: null,
      retryStrategy: (times: number) => Math.min(1000, 100 * times),
    },
    lockDuration: 1000 * workerTimeout,
    stalledInterval: 500 * workerTimeout,
  };
}

/** What was received is not said: it may hold a password. */
const createUrlError = () =>
  createError({
    kind: 'argument',
    path: 'queue.url',
    expected: 'the address of a Redis server',
    received: 'a URL of another form',
    advice: 'Write redis://host:6379, redis://:password@host:6379, or redis://host:6379/2 for database 2.',
  });

/** The packages of a queue. */
export async function loadBullmq(): Promise<Bullmq> {
  await loadPackage('ioredis', 'trials on many machines');
  return loadPackage<Bullmq>('bullmq', 'trials on many machines');
}

/** Throws a `queue` fault unless the server answers, and says why not. */
export async function checkQueueServer(settings: ReturnType<typeof createQueueConfig>): Promise<void> {
  const { Redis } = await loadPackage<typeof import('ioredis')>('ioredis', 'trials on many machines');
  const { serverLabel, connection } = settings;
  const redis = new Redis({
    ...connection,
    lazyConnect: true,
    maxRetriesPerRequest: 0,
    retryStrategy: () => null,
    connectTimeout: 5000,
  });
  let heard: Error | undefined;
  redis.on('error', (error: Error) => {
    heard ??= error;
  });
  try {
    await redis.connect();
    await redis.ping();
  } catch (cause) {
    throw createUnreachableError(serverLabel, (heard ?? (cause as Error)).message, cause);
  } finally {
    redis.disconnect();
  }
}

export function createUnreachableError(where: string, message: string, cause?: unknown): Error {
  const locked = /NOAUTH|WRONGPASS|AUTH/.test(message);
  return createError({
    kind: 'queue',
    path: where,
    expected: 'a running Redis server',
    received: message ? `a failed connection (${message})` : 'a failed connection',
    advice: locked
      ? 'Give the password in the address: redis://:password@host:6379.'
      : 'Start the server or correct its address, and run the search again. Finished trials are kept.',
    cause,
  });
}
