import { createError } from '../../../core/errors/errors.js';

/** Advice on names. */
export const NAME_ADVICE = 'Names are not empty, are not "." or "..", and have no "/" and no zero in them.';

/** A `file` fault for something at `place` that no HDF5 file can hold. */
export const createWriteError = (place: string, received: string, advice: string) =>
  createError({
    kind: 'file',
    path: 'HDF5',
    expected: 'groups, attributes and datasets that a file can hold',
    received: `${received} at ${place || '/'}`,
    advice,
  });
