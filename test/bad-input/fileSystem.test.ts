import { execFileSync, spawn } from 'node:child_process';
import {
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  truncateSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { escapeText } from '../../src/core/errors/escapeText.js';
import {
  bestCheckpoint,
  csvLogger,
  loadKeras,
  loadModel,
  memoryStore,
  type Store,
  tensorBoard,
} from '../../src/entries/node.js';
import {
  folderStore,
  imageFolder,
  resnet50Backbone as resnet50FromFile,
  runStudy,
  saveFile,
  writeReport,
} from '../../src/node/index.js';
import { joinInside } from '../../src/node/platform/files/pathInside.js';
import { readRegularFile } from '../../src/node/platform/files/regularFile.js';
import { findWindowsNameProblem } from '../../src/node/platform/files/windowsNames.js';
import { listFiles } from '../../src/node/platform/listFiles.js';
import { trialStore } from '../../src/tuner/trialStore.js';
import { catchError } from './catchError.js';
import { good, settings, small } from './small.js';

const ROOT = new URL('../..', import.meta.url).pathname;
const top = mkdtempSync(join(tmpdir(), 'file-system-'));
afterAll(() => rmSync(top, { recursive: true, force: true }));
let folders = 0;
const createFolder = () => {
  const folder = join(top, String(folders++));
  mkdirSync(folder);
  return folder;
};
const bytes = new Uint8Array([1, 2, 3]);

/** Paths that are not regular files: reading them blocks, never ends or fails. */
const obstacles: { readonly [name: string]: { create(path: string): unknown; received: RegExp } } = {
  'a named pipe': {
    create: (path) => execFileSync('mkfifo', [path]),
    received: /a named pipe in place of a file/,
  },
  'a link to a named pipe': {
    create: (path) => {
      execFileSync('mkfifo', [`${path}.pipe`]);
      symlinkSync(`${path}.pipe`, path);
    },
    received: /a named pipe in place of a file/,
  },
  'a link to /dev/zero': {
    create: (path) => symlinkSync('/dev/zero', path),
    received: /a device in place of a file|a link that leads out of this folder/,
  },
  'a link to a terminal': {
    create: (path) => symlinkSync('/dev/tty', path),
    received: /a device in place of a file|a link that leads out of this folder/,
  },
  'a socket': {
    create: (path) =>
      new Promise<void>((resolve) => {
        const server = createServer().unref();
        server.listen(path, resolve);
      }),
    received: /a socket in place of a file/,
  },
  'a folder': {
    create: (path) => mkdirSync(path),
    received: /a folder in place of a file/,
  },
  'a sparse file of 1 TiB': {
    create: (path) => {
      writeFileSync(path, '');
      truncateSync(path, 2 ** 40);
    },
    received: /a file of 1099511627776 bytes, more than/,
  },
  'a link to itself': {
    create: (path) => symlinkSync(path, path),
    received: /a link that leads to itself \(ELOOP\)/,
  },
};

describe.each(Object.entries(obstacles))('%s in place of a file', (name, { create, received }) => {
  test('is rejected by folderStore, loadModel, fit and writeReport', async () => {
    const folder = createFolder();
    const store = folderStore(folder);
    for (const file of ['model.json', 'checkpoint.safetensors', 'run.json']) await create(join(folder, file));
    for (const read of [
      () => store.read('model.json'),
      () => loadModel(store),
      () => small().fit(good(), { ...settings, checkpoint: store, resume: true }),
      () => writeReport(folder),
    ]) {
      const error = await catchError(read);
      expect(error.kind).toBe('file');
      expect(error.received).toMatch(received);
    }
    if (!name.includes('sparse')) {
      expect((await catchError(() => store.append('run.json', bytes))).received).toMatch(received);
    }
  });

  test('makes imageFolder throw an error that describes the problem', async () => {
    const folder = createFolder();
    await create(join(folder, 'x.jpg'));
    const labels = () => ({ labels: { age: 1 } });
    const options = { labels, size: [8, 8], signal: new AbortController().signal } as const;
    const error = await catchError(() => imageFolder(folder, options));
    if (name === 'a folder') return expect(error.received).toBe('a folder without image files');
    expect(error).toMatchObject({ kind: 'data', path: join(folder, 'x.jpg') });
    expect(error.received).toMatch(received);
  });

  test('is rejected by loadKeras, a backbone and runStudy', async () => {
    const folder = createFolder();
    const path = join(folder, 'file.h5');
    await create(path);
    for (const read of [
      () => loadKeras(path),
      () => loadKeras(new URL(`file://${path}`)),
      () => resnet50FromFile({ weights: path }),
    ]) {
      expect(await catchError(read)).toMatchObject({
        kind: 'file',
        received: expect.stringMatching(received),
      });
    }
    if (/sparse|itself|folder/.test(name)) return; // The import of the module reports these.
    const error = await catchError(() => runStudy(path, { folder: memoryStore(), trials: 1 }));
    expect(error.received).toMatch(received);
  });
});

test('saveFile, store.write and fit reject a named pipe in place of a file and keep it', async () => {
  const folder = createFolder();
  const names = ['a', 'history.csv', 'checkpoint.safetensors'];
  execFileSync(
    'mkfifo',
    names.map((name) => join(folder, name)),
  );
  const store = folderStore(folder);
  for (const action of [
    () => saveFile(join(folder, 'a'), bytes),
    () => saveFile('/dev/null', bytes),
    () => store.write('a', bytes),
    () => small().fit(good(), { ...settings, callbacks: [csvLogger(store)] }),
    () => small().fit(good(), { ...settings, callbacks: [csvLogger(store)], overwrite: true }),
    () => small().fit(good(), { ...settings, checkpoint: store }),
    () => small().fit(good(), { ...settings, checkpoint: store, overwrite: true }),
  ]) {
    const error = await catchError(action);
    expect(error.kind).toBe('file');
    expect(error.received).toMatch(/a (named pipe|device) in place of a file/);
  }
  expect(readdirSync(folder).sort()).toEqual(names.sort());
  for (const name of names) expect(statSync(join(folder, name)).isFIFO()).toBe(true);
  expect(statSync('/dev/null').isCharacterDevice()).toBe(true);
});

test('fit finds the files of an earlier run behind links', async () => {
  const folder = createFolder();
  const store = folderStore(folder);
  const run = (to: Store) => ({
    ...settings,
    validation: good(),
    callbacks: [bestCheckpoint(to), csvLogger(to), tensorBoard(to)],
  });
  await small().fit(good(), run(folderStore(join(folder, 'old'))));
  for (const name of ['history.csv', 'best', 'train']) {
    symlinkSync(join('old', name), join(folder, name));
    const before = readFileSync(join(folder, 'old/history.csv'), 'utf8');
    const error = await catchError(() => small().fit(good(), run(store)));
    expect(error.received).toBe('a file of an earlier run');
    expect(error.path).toContain(join(folder, name));
    expect(readFileSync(join(folder, 'old/history.csv'), 'utf8')).toBe(before);
    rmSync(join(folder, name));
  }
});

test('imageFolder and readRegularFile reject with the abort reason of the signal, even if a decoder never returns', async () => {
  const folder = createFolder();
  writeFileSync(join(folder, 'x.jpg'), bytes);
  const stop = new AbortController();
  const options = { labels: () => ({ labels: { age: 1 } }), size: [8, 8], signal: stop.signal } as const;
  const reading = imageFolder(folder, {
    ...options,
    decoder: () => {
      stop.abort(new Error('stopped'));
      return new Promise(() => {});
    },
  });
  await expect(reading).rejects.toThrow('stopped');
  await expect(imageFolder(folder, options)).rejects.toThrow('stopped');
  await expect(readRegularFile(join(folder, 'x.jpg'), { signal: stop.signal })).rejects.toThrow('stopped');
});

describe('a symbolic link inside the folder of a store', () => {
  const outside = createFolder();
  writeFileSync(join(outside, 'secret.json'), 'secret');

  test.each([
    [
      'a folder outside the store',
      (folder: string) => symlinkSync(outside, join(folder, 'link')),
      'link/secret.json',
    ],
    [
      'a folder outside the store, for a new file',
      (folder: string) => symlinkSync(outside, join(folder, 'link')),
      'link/new/x',
    ],
    [
      'a file outside the store',
      (folder: string) => symlinkSync(join(outside, 'secret.json'), join(folder, 'link')),
      'link',
    ],
    [
      'a missing file outside the store',
      (folder: string) => symlinkSync(join(outside, 'new'), join(folder, 'link')),
      'link',
    ],
    [
      'a relative path outside the store',
      (folder: string) => symlinkSync('../0/secret.json', join(folder, 'link')),
      'link',
    ],
    [
      'a link that leads out of the store',
      (folder: string) => {
        symlinkSync(outside, join(folder, 'first'));
        symlinkSync('first', join(folder, 'link'));
      },
      'link/secret.json',
    ],
  ])('to %s cannot be read or written', async (_, create, name) => {
    const folder = createFolder();
    create(folder);
    const store = folderStore(folder);
    for (const method of ['read', 'write', 'append', 'create'] as const) {
      const error = await catchError(() => store[method]!(name, bytes));
      expect(error).toMatchObject({ kind: 'file', path: join(folder, name) });
      expect(error.received).toBe('a link that leads out of this folder or to a missing file');
    }
    expect(await store.list()).toEqual([]);
    await store.remove(name).catch(() => {});
    expect(readdirSync(outside)).toEqual(['secret.json']);
    expect(readFileSync(join(outside, 'secret.json'), 'utf8')).toBe('secret');
  });

  test('to the folder of another model is rejected by model.save, bestCheckpoint and loadModel', async () => {
    const folder = createFolder();
    const other = createFolder();
    await small().save(folderStore(other));
    const before = readdirSync(other);
    symlinkSync(other, join(folder, 'best'));
    const store = folderStore(folder);
    for (const action of [
      () => small().save(store, 'best'),
      () => loadModel(store, { folder: 'best' }),
      () => small().fit(good(), { ...settings, validation: good(), callbacks: [bestCheckpoint(store)] }),
    ]) {
      expect((await catchError(action)).received).toContain('a link that leads out of this folder');
    }
    expect(readdirSync(other)).toEqual(before);
    // The linked folder can be opened directly, and a store may itself be a link.
    expect(await loadModel(folderStore(join(folder, 'best')))).toHaveProperty('tasks.age');
  });

  test('to a file or folder inside the same store can be read and written', async () => {
    const folder = createFolder();
    const store = folderStore(folder);
    await store.write('inner/a', bytes);
    symlinkSync('inner', join(folder, 'link'));
    symlinkSync('inner/a', join(folder, 'file'));
    expect([...(await store.read('link/a'))!]).toEqual([1, 2, 3]);
    expect([...(await store.read('file'))!]).toEqual([1, 2, 3]);
    await store.write('link/b', bytes);
    await store.append('file', bytes);
    symlinkSync('..', join(folder, 'inner/parent'));
    expect(await store.list()).toEqual(['file', 'inner/a', 'inner/b', 'link/a', 'link/b']);
    expect(await store.list('link/')).toEqual(['link/a', 'link/b']);
    expect((await store.read('inner/a'))!.length).toBe(6);
  });
});

/** A process that starts to write a file, prints a line, and waits before the file is complete. */
const WRITER = `
import { open } from 'node:fs/promises';
import { folderStore } from '${ROOT}src/node/index.ts';
const file = await open(process.argv[1], 'r');
Object.getPrototypeOf(file).sync = () => {
  console.log('waiting');
  return new Promise(() => setInterval(() => {}, 1000));
};
await folderStore(process.argv[2]).write(process.argv[3], new Uint8Array(1000));
`;

function startWriter(folder: string, name: string) {
  const child = spawn(
    process.execPath,
    ['--import', 'tsx', '--input-type=module', '-e', WRITER, join(ROOT, 'package.json'), folder, name],
    { cwd: ROOT, stdio: ['ignore', 'pipe', 'inherit'] },
  );
  const kill = () =>
    new Promise<void>((resolve) => {
      child.once('close', () => resolve());
      child.kill('SIGKILL');
    });
  return { kill, waiting: new Promise<void>((resolve) => child.stdout.once('data', () => resolve())) };
}

const unfinished = (folder: string) =>
  readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter((name) => name.endsWith('.unfinished'));

describe('a temporary file of a killed process', () => {
  test('is removed by the next write and by list, but the temporary file of a running process is not', async () => {
    const folder = createFolder();
    const store = folderStore(folder);
    const writers = ['a.json', 'b.json', 'inner/c.json'].map((name) => startWriter(folder, name));
    await Promise.all(writers.map(({ waiting }) => waiting));
    expect(unfinished(folder).length).toBe(3);
    await store.write('x.json', bytes);
    expect(unfinished(folder).length).toBe(3);
    expect(await store.list()).toEqual(['x.json']);
    expect(unfinished(folder).length).toBe(3);

    await writers[0]!.kill();
    await store.write('a.json', bytes);
    expect(unfinished(folder).length).toBe(2);
    await Promise.all([writers[1]!.kill(), writers[2]!.kill()]);
    await saveFile(join(folder, 'y.json'), bytes);
    expect(unfinished(folder).length).toBe(1); // A write cleans up its own folder.
    expect(await store.list()).toEqual(['a.json', 'x.json', 'y.json']);
    expect(unfinished(folder)).toEqual([]);
  });

  test('is removed after a day if its process had the same id as this process or ran on another machine', async () => {
    const folder = createFolder();
    const store = folderStore(folder);
    const hidden = new Promise<string>((resolve) => {
      const timer = setInterval(() => {
        const [name] = unfinished(folder);
        if (name === undefined) return;
        clearInterval(timer);
        resolve(name);
      });
    });
    const large = new Uint8Array(2 ** 26);
    const writing = store.write('large.bin', large);
    const name = await hidden;
    await writing;
    const other = `00000000-1-${'0'.repeat(12)}.unfinished`;
    for (const file of [name, other]) writeFileSync(join(folder, file), bytes);
    await store.write('x', bytes);
    expect(unfinished(folder).sort()).toEqual([name, other].sort());
    for (const file of [name, other]) utimesSync(join(folder, file), 1, 1);
    await store.write('x', bytes);
    expect(unfinished(folder)).toEqual([]);
  });

  test('is not confused with a user file that has a similar name', async () => {
    const folder = createFolder();
    const store = folderStore(folder);
    await store.write('notes.unfinished', bytes);
    utimesSync(join(folder, 'notes.unfinished'), 1, 1);
    await store.write('x', bytes);
    expect(await store.list()).toEqual(['notes.unfinished', 'x']);
  });
});

test('listFiles returns the remaining files if a subfolder is deleted or replaced by a file while the folder is read', async () => {
  const folder = createFolder();
  for (const name of ['a', 'b', 'c', 'd']) {
    mkdirSync(join(folder, name));
    writeFileSync(join(folder, name, 'x'), '');
  }
  const files = await listFiles(folder, (entry, path) => {
    if (path === 'b' || path === 'c') rmSync(join(folder, path), { recursive: true });
    if (path === 'c') writeFileSync(join(folder, path), '');
    return entry.isFile();
  });
  expect(files).toEqual(['a/x', 'd/x']);
});

test('folderStore.list returns the names that start with a prefix, and none for a missing folder or a path outside the store', async () => {
  const folder = createFolder();
  const store = folderStore(folder);
  for (const name of ['best/a', 'best/b/c', 'bestow', 'other/x']) await store.write(name, bytes);
  expect(await store.list('best')).toEqual(['best/a', 'best/b/c', 'bestow']);
  expect(await store.list('best/')).toEqual(['best/a', 'best/b/c']);
  expect(await store.list('best/b/c')).toEqual(['best/b/c']);
  for (const prefix of ['missing/', 'bestow/', '../', 'best/../', '/', 'best//a']) {
    expect(await store.list(prefix)).toEqual([]);
  }
});

describe('file names on Windows', () => {
  test.each([
    ['con.jpg', 'a device'],
    ['best/CON', 'a device'],
    ['nul.tar.gz', 'a device'],
    ['aux.', 'a device'],
    ['COM1.json', 'a device'],
    ['lpt¹', 'a device'],
    ['con .txt', 'a device'],
    ['best./model.json', 'Windows removes'],
    ['model.json ', 'Windows removes'],
    ['notes:b', 'character ":"'],
    ['model.json:stream', 'character ":"'],
    ['a?.json', 'character "?"'],
    ['a\u0007', 'character "\\u0007"'],
  ])('such as %j are rejected', async (name, received) => {
    expect(findWindowsNameProblem(name)).toContain(received);
    const error = await catchError(() => joinInside('C:\\out', name, 'win32'));
    expect(error).toMatchObject({ kind: 'argument', path: escapeText(name) });
    expect(error.received).toContain(received);
    expect(joinInside('/out', name, 'linux')).toBe(`/out/${name}`);
  });

  test.each([
    'best/model.json',
    'console.jpg',
    'com10.txt',
    'a.con',
    '.writable',
    'best\\model.json',
    '05-0.123/x',
  ])('such as %j are accepted', (name) => {
    expect(findWindowsNameProblem(name)).toBeUndefined();
    expect(joinInside('C:\\out', name, 'win32')).toBe(`C:\\out\\${name.replaceAll('/', '\\')}`);
  });

  test.each([
    '..\\x',
    'a:b',
    'a\\..\\..\\x',
    'C:x',
    'D:\\x',
    'c:\\OUTER\\x',
    '\\\\server\\share\\x',
    '\\x',
    '/x',
    'C:',
    '',
  ])('such as %j are rejected because they are outside the folder', async (name) => {
    const error = await catchError(() => joinInside('C:\\out', name, 'win32'));
    expect(error).toMatchObject({ kind: 'argument', path: name || 'C:\\out' });
  });

  test('are compared case-insensitively when they are names of folders or names that a search reserves', async () => {
    expect(joinInside('C:\\Out', '..\\oUT\\x', 'win32').toLowerCase()).toBe('c:\\out\\x');
    const store = trialStore(memoryStore(), 1);
    for (const name of ['trial.json', 'Trial.json', 'END.JSON']) {
      expect(await catchError(() => store.write(name, bytes))).toMatchObject({ received: 'a reserved name' });
    }
  });
});
