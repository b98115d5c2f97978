import { createFileError, type MultitaskError } from '../errors/errors.js';

/** Noun phrases for what a lock protects, as they appear in the error for a lock that is held. */
export interface LockSubject {
  /** What is locked: `a study`. */
  readonly noun: string;
  /** What the caller needs: `a study that no other process is running`. */
  readonly expected: string;
}

/** The files of a training run. */
export const RUN_FILES: LockSubject = {
  noun: 'files',
  expected: 'files that no other run is writing',
};

/**
 * Creates the `file` error for a lock that is held.
 *
 * @param path - Path of the lock, or name of the store and the locked name.
 * @param holder - Noun phrase for the holder of the lock: `process 12 on host`.
 */
export const createLockError = (
  path: string,
  { noun, expected }: LockSubject,
  holder: string,
  advice: string,
): MultitaskError => createFileError(path, expected, `${noun} that ${holder} has locked`, advice);
