/**
 * Returns the message of a value that code of the user has thrown: the message of an `Error`, or a string. Returns an empty string for all
 * other values, for example undefined.
 */
export function describeThrown(cause: unknown): string {
  if (typeof cause === 'string') return cause;
  const message = (cause as Partial<Error> | null | undefined)?.message;
  return typeof message === 'string' ? message : '';
}
