export type { Fault, FaultKind } from './core/errors.js';
export { isMultitaskError, MultitaskError } from './core/errors.js';
