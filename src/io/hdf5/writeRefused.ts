import { fault } from '../../core/errors.js';

/** A `file` fault for something at `place` that no HDF5 file can hold. */
export const refused = (place: string, received: string) =>
  fault({
    kind: 'file',
    path: 'HDF5',
    expected: 'groups, attributes and datasets that a file can hold',
    received: `${received} at ${place || '/'}`,
    advice: 'Check that names are not empty and have no "/" in them.',
  });
