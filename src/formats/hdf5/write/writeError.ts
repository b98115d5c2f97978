import { createError } from '../../../core/errors/errors.js';

/** Advice for names that HDF5 does not allow. */
export const NAME_ADVICE =
  'Use a name that is not empty, is not "." or "..", and contains no "/" and no NUL character.';

/** Creates a `file` error for content at `objectPath` that an HDF5 file cannot contain. */
export const createWriteError = (objectPath: string, received: string, advice: string) =>
  createError({
    kind: 'file',
    path: 'HDF5',
    expected: 'groups, attributes and datasets that HDF5 can store',
    received: `${received} at ${objectPath || '/'}`,
    advice,
  });
