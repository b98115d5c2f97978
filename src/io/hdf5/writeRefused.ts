import { fault } from '../../core/errors.js';

/** Advice on names. */
export const NAMES = 'Names are not empty, are not "." or "..", and have no "/" and no zero in them.';

/** A `file` fault for something at `place` that no HDF5 file can hold. */
export const refused = (place: string, received: string, advice: string) =>
  fault({
    kind: 'file',
    path: 'HDF5',
    expected: 'groups, attributes and datasets that a file can hold',
    received: `${received} at ${place || '/'}`,
    advice,
  });
