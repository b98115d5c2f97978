import { expect } from 'vitest';
import { isMultitaskError, type MultitaskError } from '../../src/entries/node.js';

/**
 * Returns the library error that `action` throws. Checks that the error states what was expected, what was
 * received, and, in a complete sentence, what to do next, and that the message is composed of these three texts.
 */
export async function catchError(action: () => unknown): Promise<MultitaskError> {
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
