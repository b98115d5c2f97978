import type { MultitaskError } from './errors.js';
import { describeType } from './formatValue.js';

/**
 * Returns the error that user code threw. JavaScript can throw any value: a value that is not an error, such as a string or undefined, has
 * no message and no stack, and is replaced with the error that `create` returns.
 *
 * @param create - Receives the thrown value as a noun phrase.
 */
export function toError(thrown: unknown, create: (description: string) => MultitaskError): Error {
  return isError(thrown) ? thrown : create(`the thrown value ${describeThrown(thrown)}`);
}

/** Returns whether a value is an error, also of another realm. */
const isError = (value: unknown): value is Error =>
  value instanceof Error || Object.prototype.toString.call(value) === '[object Error]';

function describeThrown(thrown: unknown): string {
  return typeof thrown === 'string' ? JSON.stringify(thrown) : describeType(thrown);
}
