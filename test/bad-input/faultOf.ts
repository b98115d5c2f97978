import { expect } from 'vitest';
import { isMultitaskError, type MultitaskError } from '../../src/entries/node.js';

/**
 * Returns the library's error that `action` throws. Checks that it contains all three parts that a reader
 * needs: what was expected, what was received, and what to do, as a whole sentence; and that its message
 * consists of them.
 */
export async function faultOf(action: () => unknown): Promise<MultitaskError> {
  const error = await Promise.resolve()
    .then(action)
    .then(
      (value) => expect.fail(`expected an error, received ${JSON.stringify(value)}`),
      (caught: unknown) => caught,
    );
  if (!isMultitaskError(error)) throw error;
  const { path, expected, received, advice = '', message } = error;
  for (const part of [path, expected, received]) expect(part.trim()).not.toBe('');
  expect(advice).toMatch(/^[A-Z].*[.?]$|^Run: /s);
  expect(message).toBe(`${path}: expected ${expected}, received ${received}. ${advice}`);
  return error;
}
