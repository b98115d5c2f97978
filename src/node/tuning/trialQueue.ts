import { digestJson } from '../../core/digest.js';
import * as checks from '../../core/errors/checks.js';
import { createError, isMultitaskError } from '../../core/errors/errors.js';
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
  /**
   * URL of the server, including the user name and password if the server requires them, for example `redis://:secret@host:6379`, and the
   * number of the database if it is not 0: `redis://host:6379/2`.
   */
  readonly url: string;
  /** Name of the queue, without colons. Default: a name derived from the study. */
  readonly name?: string;
  /**
   * Time in seconds without contact after which a worker is considered lost, and its trial is assigned to another worker. Default: 30. A
   * search ends with a `queue` error if the server does not answer for twice this time, but at least 10 seconds.
   */
  readonly workerTimeout?: number;
}

type Bullmq = typeof import('bullmq');

/** Returns how many seconds the server may be unreachable, for example during a restart, before the search fails. */
export const getMaxOutageSeconds = ({ workerTimeout = 30 }: QueueOptions) => Math.max(10, 2 * workerTimeout);

/** Maximum `workerTimeout` in seconds: one day. */
const MAX_WORKER_TIMEOUT = 86_400;

/** Time in milliseconds within which the server must accept a connection and answer. */
const CONNECT_TIMEOUT_MS = 5000;

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
  if (name !== undefined) {
    checks.valid('queue.name', name, typeof name === 'string' && /^[^:]+$/.test(name), {
      noun: 'a name without colons',
      advice: 'Omit it to use a name that is derived from the study.',
    });
  }
  const serverUrl = parseServerUrl(url);
  return {
    name: name ?? `tfjs-multitask-${studyHash}`,
    serverLabel: serverUrl.label,
    connection: {
      host: serverUrl.host,
      port: serverUrl.port,
      ...(serverUrl.username && { username: serverUrl.username }),
      ...(serverUrl.password && { password: serverUrl.password }),
      ...(serverUrl.database > 0 && { db: serverUrl.database }),
      ...(serverUrl.isEncrypted && { tls: {} }),
      // While the server is unreachable, requests wait.
      maxRetriesPerRequest: null,
      retryStrategy: (times: number) => Math.min(1000, 100 * times),
    },
    lockDuration: 1000 * workerTimeout,
    stalledInterval: 500 * workerTimeout,
  };
}

/** Parts of the URL of a Redis server. */
interface ServerUrl {
  /** Host without the brackets of an IPv6 address. */
  readonly host: string;
  readonly port: number;
  readonly username: string;
  readonly password: string;
  readonly database: number;
  readonly isEncrypted: boolean;
  /** Host and port, for messages. */
  readonly label: string;
}

/** Parses the URL of a server. Throws an `argument` error for a URL with a part that would be ignored, such as a query. */
function parseServerUrl(url: string): ServerUrl {
  try {
    const { protocol, hostname, port, pathname, search, hash, username, password } = new URL(url);
    const [, database = '0'] = /^\/?$|^\/(0|[1-9]\d{0,8})$/.exec(pathname) ?? [];
    const isDatabase = /^\/?$/.test(pathname) || pathname === `/${database}`;
    const isPort = port !== '0';
    // A server ignores a user name without a password.
    const hasCredentials = username === '' || password !== '';
    if (
      /^rediss?:$/.test(protocol) &&
      hostname &&
      isPort &&
      isDatabase &&
      !search &&
      !hash &&
      hasCredentials
    ) {
      return {
        host: hostname.replace(/^\[(.*)\]$/, '$1'),
        port: Number(port || 6379),
        username: decodeURIComponent(username),
        password: decodeURIComponent(password),
        database: Number(database),
        isEncrypted: protocol === 'rediss:',
        label: `${hostname}:${port || 6379}`,
      };
    }
  } catch {
    // Text that is not a URL, and a password with an invalid escape sequence, cause the same error.
  }
  throw createUrlError();
}

/** Configuration of a queue. */
export type QueueConfig = ReturnType<typeof createQueueConfig>;

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

const loadRedis = () =>
  loadPackage<typeof import('ioredis')>('ioredis', 'running trials on several machines');

/**
 * Checks that the Redis server responds and has the database of the URL. Returns false if `signal` is aborted or `deadline` passes before
 * the server has answered.
 *
 * @param deadline - Time in milliseconds since 1970, as returned by `Date.now()`. Default: no deadline.
 * @throws A `queue` error with the reason if the server does not respond within five seconds. An `argument` error if it does not have the
 *   database.
 */
export async function checkQueueServer(
  { serverLabel, connection }: QueueConfig,
  signal: AbortSignal,
  deadline = Number.POSITIVE_INFINITY,
): Promise<boolean> {
  const { Redis } = await loadRedis();
  const { db = 0, ...server } = connection;
  const redis = new Redis({
    ...server,
    lazyConnect: true,
    maxRetriesPerRequest: 0,
    retryStrategy: () => null,
    connectTimeout: CONNECT_TIMEOUT_MS,
  });
  let connectionError: Error | undefined;
  redis.on('error', (error: Error) => {
    connectionError ??= error;
  });
  const requestAnswers = async () => {
    await redis.connect();
    await redis.ping();
    // ioredis would ignore an error of this request, and use database 0.
    if (db !== 0)
      await redis.select(db).catch((cause: Error) => Promise.reject(createDatabaseError(db, cause)));
    return true;
  };
  let timer: NodeJS.Timeout | undefined;
  let stop!: () => void;
  const stopped = new Promise<false>((resolve, reject) => {
    stop = () => resolve(false);
    timer = setTimeout(
      () => {
        if (Date.now() >= deadline) stop();
        else reject(new Error(`no response within ${CONNECT_TIMEOUT_MS / 1000} seconds`));
      },
      Math.max(0, Math.min(CONNECT_TIMEOUT_MS, deadline - Date.now())),
    );
  });
  signal.addEventListener('abort', stop, { once: true });
  if (signal.aborted) stop();
  try {
    return await Promise.race([requestAnswers(), stopped]);
  } catch (cause) {
    if (isMultitaskError(cause)) throw cause;
    throw createUnreachableError(serverLabel, (connectionError ?? (cause as Error)).message, cause);
  } finally {
    clearTimeout(timer);
    signal.removeEventListener('abort', stop);
    redis.disconnect();
  }
}

const createDatabaseError = (database: number, cause: Error) =>
  createError({
    kind: 'argument',
    path: 'queue.url',
    expected: 'a database that the Redis server has',
    received: `database ${database} (${cause.message})`,
    advice: 'Omit the number to use database 0, or increase the setting databases of the server.',
    cause,
  });

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
