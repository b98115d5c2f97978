import { createError } from '../core/errors/errors.js';

/** Returns the bytes of a file on a server. Throws a `file` error when the server does not send it. */
export async function fetchFileBytes(url: string | URL): Promise<Uint8Array> {
  const createRequestError = (received: string, cause?: unknown) =>
    createError({
      kind: 'file',
      path: String(url),
      expected: 'a file that the server sends',
      received,
      advice: 'Check the address, and that this page may read from there (CORS).',
      cause,
    });
  const response = await fetch(url).catch((cause) => {
    throw createRequestError('no answer', cause);
  });
  if (!response.ok) throw createRequestError(`HTTP ${response.status}`);
  return new Uint8Array(await response.arrayBuffer());
}
