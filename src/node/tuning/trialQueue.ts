import { digestJson } from '../../core/digest.js';
import * as checks from '../../core/errors/checks.js';
import { createError } from '../../core/errors/errors.js';
import type { Store } from '../../core/platform/platform.js';
import { readStoreFile } from '../../core/platform/readStoreFile.js';
import { loadPackage } from '../platform/loadPackage.js';
import type { StudySettings } from './trial/loadStudy.js';

/**
 * Options for a trial queue on a Redis server.
 *
 * @category Tuner
 */
export interface QueueOptions {
  /** URL of the server, including the user name and password if the server requires them, for example `redis://:secret@host:6379`. */
  readonly url: string;
  /** Name of the queue. Default: a name derived from the study. */
  readonly name?: string;
  /** Time in seconds without contact after which a worker is considered lost, and its trial is assigned to another worker. Default: 30. */
  readonly workerTimeout?: number;
}

type Bullmq = typeof import('bullmq');

/** Returns how many seconds the server may be unreachable, for example during a restart, before the search fails. */
export const getMaxOutageSeconds = ({ workerTimeout = 30 }: QueueOptions) => Math.max(10, 2 * workerTimeout);

/** Maximum `workerTimeout` in seconds: one day. */
const MAX_WORKER_TIMEOUT = 86_400;

/** Time in milliseconds to wait while a connection is being closed, because the server may be unreachable. */
export const CLOSE_TIMEOUT_MS = 1000;

/** Job in the queue: one trial of one study. */
export interface TrialJob {
  readonly number: number;
  /** Hash of the study. A worker that runs a different study rejects the job. */
  readonly study: string;
  /** Hash of the search's code. A worker with different code rejects the job, because it would not run the same trial. */
  readonly code: string;
  /** Current settings of the search. They may differ from the settings with which the study was started. */
  readonly settings: StudySettings;
}

/** Computes the hash of `study.json`. The hash identifies the study on a server. */
export async function computeStudyHash(store: Store): Promise<string> {
  const bytes = await readStoreFile(store, 'study.json');
  return (await digestJson(new TextDecoder().decode(bytes ?? new Uint8Array()))).slice(0, 16);
}

/**
 * Creates the configuration of a queue: its name, the connection to the server, and the times after which BullMQ detects a lost
 * worker.
 *
 * @throws An `argument` error if an option is invalid or unknown.
 */
export function createQueueConfig(options: QueueOptions, studyHash: string) {
  checks.options('queue', options, { url: true, name: true, workerTimeout: true });
  const { url, name, workerTimeout = 30 } = options;
  checks.number('queue.workerTimeout', workerTimeout, {
    noun: 'a number of seconds',
    above: 0,
    max: MAX_WORKER_TIMEOUT,
    defaultValue: 30,
  });
  let serverUrl: URL;
  try {
    serverUrl = new URL(url);
  } catch {
    throw createUrlError();
  }
  const database = serverUrl.pathname.slice(1);
  if (!/^rediss?:$/.test(serverUrl.protocol) || !/^\d*$/.test(database)) throw createUrlError();
  return {
    name: name ?? `tfjs-multitask-${studyHash}`,
    serverLabel: `${serverUrl.hostname}:${serverUrl.port || 6379}`,
    connection: {
      host: serverUrl.hostname.replace(/^\[(.*)\]$/, '$1'), // without the brackets of an IPv6 address
      port: Number(serverUrl.port || 6379),
      ...(serverUrl.username && { username: decodeURIComponent(serverUrl.username) }),
      ...(serverUrl.password && { password: decodeURIComponent(serverUrl.password) }),
      ...(database !== '' && { db: Number(database) }),
      ...(serverUrl.protocol === 'rediss:' && { tls: {} }),
      // While the server is unreachable, requests wait.
      maxRetriesPerRequest: null,
      retryStrategy: (times: number) => Math.min(1000, 100 * times),
    },
    lockDuration: 1000 * workerTimeout,
    stalledInterval: 500 * workerTimeout,
  };
}

/** Creates the error for an invalid URL. The error does not contain the URL, because the URL may include a password. */
const createUrlError = () =>
  createError({
    kind: 'argument',
    path: 'queue.url',
    expected: 'the URL of a Redis server',
    received: 'a URL in a different format',
    advice: 'Write redis://host:6379, redis://:password@host:6379, or redis://host:6379/2 for database 2.',
  });

/**
 * Loads BullMQ, a package for job queues on a Redis server.
 *
 * @throws A `missing-package` error if `bullmq` or `ioredis` is not installed.
 */
export async function loadBullmq(): Promise<Bullmq> {
  await loadPackage('ioredis', 'running trials on several machines');
  return loadPackage<Bullmq>('bullmq', 'running trials on several machines');
}

/**
 * Checks that the Redis server responds.
 *
 * @throws A `queue` error with the reason if the server does not respond.
 */
export async function checkQueueServer(config: ReturnType<typeof createQueueConfig>): Promise<void> {
  const { Redis } = await loadPackage<typeof import('ioredis')>(
    'ioredis',
    'running trials on several machines',
  );
  const { serverLabel, connection } = config;
  const redis = new Redis({
    ...connection,
    lazyConnect: true,
    maxRetriesPerRequest: 0,
    retryStrategy: () => null,
    connectTimeout: 5000,
  });
  let connectionError: Error | undefined;
  redis.on('error', (error: Error) => {
    connectionError ??= error;
  });
  try {
    await redis.connect();
    await redis.ping();
  } catch (cause) {
    throw createUnreachableError(serverLabel, (connectionError ?? (cause as Error)).message, cause);
  } finally {
    redis.disconnect();
  }
}

/** Creates the error for a server that does not respond or requires a password. */
export function createUnreachableError(serverLabel: string, message: string, cause?: unknown): Error {
  const requiresPassword = /NOAUTH|WRONGPASS|AUTH/.test(message);
  return createError({
    kind: 'queue',
    path: serverLabel,
    expected: 'a running Redis server',
    received: message ? `a failed connection (${message})` : 'a failed connection',
    advice: requiresPassword
      ? 'Add the password to the URL: redis://:password@host:6379.'
      : 'Start the server or correct its URL. Then run the search again. The results of finished trials are preserved.',
    cause,
  });
}
