import { expect } from 'vitest';
import { isMultitaskError, type MultitaskError } from '../../src/entries/node.js';

/**
 * The library's error that `action` ends with. It must say all three things a reader needs: what was expected, what came,
 * and, as a whole sentence, what to do; and its message must be made of them.
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
