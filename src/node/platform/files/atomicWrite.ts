import { createHash, randomBytes } from 'node:crypto';
import { readlinkSync } from 'node:fs';
import { link, mkdir, open, readdir, rename, rm, stat, writeFile } from 'node:fs/promises';
import { hostname } from 'node:os';
import { basename, dirname, join } from 'node:path';
import { isProcessAlive } from './isProcessAlive.js';
import { checkRegularFile } from './regularFile.js';

/** Pattern of the name of a temporary file. The name contains the id of the machine, the process id and a random number. */
const TEMPORARY_FILE = /^([0-9a-f]{8})-(\d+)-[0-9a-f]{12}\.unfinished$/;

/** Paths of the temporary files that this process is writing. */
const activePaths = new Set<string>();

/**
 * Age in milliseconds after which a temporary file from another machine counts as abandoned. This machine cannot check whether the
 * process that wrote the file is still running.
 */
const MAX_AGE_MILLISECONDS = 24 * 3600 * 1000;

/** Tolerance in milliseconds for the difference between the clocks of the process and of the file system. */
const CLOCK_TOLERANCE = 100;

/**
 * Returns whether a file name is the name of a temporary file. Such a file is being written, or was being written when its process
 * was killed.
 */
export const isTemporaryFile = (name: string): boolean => TEMPORARY_FILE.test(name);

/**
 * Writes a file atomically. Missing folders are created. Errors of the file system are thrown unchanged.
 *
 * @throws An `UnusableFileError` if `path` is a named pipe, a device, a socket or a folder. Renaming would replace it.
 */
export async function writeAtomically(path: string, bytes: Uint8Array): Promise<void> {
  await checkRegularFile(path);
  await writeTemporaryFile(path, bytes, async (temporaryPath) => {
    await checkRegularFile(path);
    await rename(temporaryPath, path);
  });
}

/**
 * Writes a file only if it does not exist, and returns whether the file was written. A hard link is used, because creating a link fails
 * atomically if the name exists.
 */
export const createAtomically = (path: string, bytes: Uint8Array): Promise<boolean> =>
  writeTemporaryFile(path, bytes, async (temporaryPath) => {
    try {
      await link(temporaryPath, path);
      return true;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false;
      if (!NO_LINK_CODES.includes((error as NodeJS.ErrnoException).code ?? '')) throw error;
      return writeNewFile(path, bytes);
    } finally {
      await rm(temporaryPath, { force: true });
    }
  });

/** Error codes of file systems without hard links, such as exFAT and some network drives. */
const NO_LINK_CODES = ['EPERM', 'ENOTSUP', 'EOPNOTSUPP', 'ENOSYS', 'EMLINK'];

/** Writes a file only if it does not exist. If the process is killed meanwhile, the file can be incomplete. */
async function writeNewFile(path: string, bytes: Uint8Array): Promise<boolean> {
  try {
    await writeFile(path, bytes, { flag: 'wx' });
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false;
    throw error;
  }
}

/**
 * Removes a temporary file if the process that wrote the file was killed. A file of a running process is not changed. Errors are
 * ignored, because abandoned temporary files do no harm.
 */
export async function removeIfLeftBehind(path: string): Promise<void> {
  try {
    if (await isLeftBehind(path)) await rm(path, { force: true });
  } catch {
    // Another process may have removed the file, or this process may have no permission.
  }
}

/**
 * Writes a temporary file next to `path` and flushes it to the disk. Then calls `publish`, which gives the file its final name.
 */
async function writeTemporaryFile<R>(
  path: string,
  bytes: Uint8Array,
  publish: (temporaryPath: string, path: string) => Promise<R>,
): Promise<R> {
  const folder = dirname(path);
  // The name does not contain that of the file, which may be as long as the file system allows.
  const random = randomBytes(6).toString('hex');
  const temporaryPath = join(folder, `${getMachineId()}-${process.pid}-${random}.unfinished`);
  activePaths.add(temporaryPath);
  try {
    await mkdir(folder, { recursive: true });
    // Before the write, so that the files of killed processes cannot fill the disk.
    for (const name of await readdir(folder).catch(() => [])) {
      if (isTemporaryFile(name)) await removeIfLeftBehind(join(folder, name));
    }
    const file = await open(temporaryPath, 'wx');
    try {
      await file.writeFile(bytes);
      await file.sync();
    } finally {
      await file.close();
    }
    return await publish(temporaryPath, path);
  } catch (error) {
    await rm(temporaryPath, { force: true }).catch(() => {});
    throw error;
  } finally {
    activePaths.delete(temporaryPath);
  }
}

async function isLeftBehind(path: string): Promise<boolean> {
  if (activePaths.has(path)) return false;
  const [, machine, pid] = basename(path).match(TEMPORARY_FILE)!;
  if (machine !== getMachineId()) return (await stat(path)).mtimeMs < Date.now() - MAX_AGE_MILLISECONDS;
  if (Number(pid) !== process.pid) return !isProcessAlive(Number(pid));
  // An earlier process had the same id, which is common in containers. Other threads of this process may be writing newer files.
  return (await stat(path)).mtimeMs < Date.now() - process.uptime() * 1000 - CLOCK_TOLERANCE;
}

let machineId: string | undefined;

/**
 * Returns a short hash that identifies the machine or container of this process. Process ids can be checked only within the same
 * machine or container.
 */
function getMachineId(): string {
  if (machineId === undefined) {
    let namespace = '';
    try {
      namespace = readlinkSync('/proc/self/ns/pid');
    } catch {
      // Only Linux has namespaces.
    }
    machineId = createHash('sha256').update(`${hostname()} ${namespace}`).digest('hex').slice(0, 8);
  }
  return machineId;
}
