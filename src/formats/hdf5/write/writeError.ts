import { createError } from '../../../core/errors/errors.js';

/** Advice for names that HDF5 does not allow. */
export const NAME_ADVICE = 'Names are not empty, are not "." or "..", and have no "/" and no zero in them.';

/** Creates a `file` error for content at `place` that an HDF5 file cannot contain. */
export const createWriteError = (objectPath: string, received: string, advice: string) =>
  createError({
    kind: 'file',
    path: 'HDF5',
    expected: 'groups, attributes and datasets that a file can hold',
    received: `${received} at ${objectPath || '/'}`,
    advice,
  });
