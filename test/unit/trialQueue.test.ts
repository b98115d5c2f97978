import { describe, expect, test } from 'vitest';
import { loadStudy } from '../../src/node/tuning/trial/loadStudy.js';
import { createQueueConfig } from '../../src/node/tuning/trialQueue.js';
import { catchError } from '../bad-input/catchError.js';

describe('the URL of a queue', () => {
  test.each([
    ['redis://host', { host: 'host', port: 6379 }],
    ['redis://host/', { host: 'host', port: 6379 }],
    ['redis://host/0', { host: 'host', port: 6379 }],
    ['redis://host:7000/2', { host: 'host', port: 7000, db: 2 }],
    ['rediss://:p%40ss@[::1]:7000', { host: '::1', port: 7000, password: 'p@ss', tls: {} }],
    ['redis://me:secret@host', { host: 'host', port: 6379, username: 'me', password: 'secret' }],
  ])('%s is the address, the user and the database of a server', (url, connection) => {
    const {
      maxRetriesPerRequest: _,
      retryStrategy: __,
      ...rest
    } = createQueueConfig({ url }, 'a').connection;
    expect(rest).toEqual(connection);
  });

  test.each([
    'host:6379',
    'http://host',
    'redis://',
    'redis:///2',
    'redis://host:0',
    'redis://host/two',
    'redis://host/2/',
    'redis://host/-1',
    'redis://host/02',
    'redis://host/1.5',
    'redis://host/99999999999999999999',
    'redis://host?db=2',
    'redis://host/2#3',
    'redis://secret@host',
    'redis://:%zz@host',
  ])('%s is rejected, because a part of it would be ignored or changed', async (url) => {
    const error = await catchError(async () => createQueueConfig({ url }, 'a'));
    expect(error).toMatchObject({ kind: 'argument', path: 'queue.url' });
    expect(error.message).not.toContain('secret@');
  });

  test('createQueueConfig rejects a queue name that BullMQ does not support', async () => {
    for (const name of ['', 'a:b', 3 as never]) {
      const error = await catchError(async () => createQueueConfig({ url: 'redis://host', name }, 'a'));
      expect(error).toMatchObject({ kind: 'argument', path: 'queue.name' });
    }
  });
});

test('the settings of a study are rejected if JSON would change them', async () => {
  const cyclic: { [name: string]: unknown } = {};
  cyclic.self = cyclic;
  const values = {
    NaN: Number.NaN,
    infinity: -1 / 0,
    hole: [1, undefined],
    cyclic,
    bigint: 1n,
    date: new Date(0),
  };
  for (const [name, value] of Object.entries(values)) {
    const error = await catchError(() => loadStudy('file:///none.js', { deep: { [name]: value } } as never));
    expect(error).toMatchObject({ kind: 'argument', expected: 'a JSON value' });
    expect(error.path).toContain(`settings.deep.${name}`);
  }
  const accepted = { a: 1, b: [null, 'x', true, { c: undefined }], d: undefined };
  expect(await catchError(() => loadStudy('file:///none.js', accepted as never))).toMatchObject({
    kind: 'file',
  });
});
