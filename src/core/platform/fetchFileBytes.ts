import { createError } from '../errors/errors.js';

/**
 * Fetches a file from a server.
 *
 * @throws A `file` error if the request fails or the server returns an error status.
 */
export async function fetchFileBytes(url: string | URL): Promise<Uint8Array> {
  const createRequestError = (received: string, cause?: unknown) =>
    createError({
      kind: 'file',
      path: String(url),
      expected: 'a response that contains the file',
      received,
      advice:
        'Check the URL. On a web page, also check whether the server allows requests from the page (CORS).',
      cause,
    });
  const response = await fetch(url).catch((cause) => {
    throw createRequestError('no response', cause);
  });
  if (!response.ok) throw createRequestError(`HTTP ${response.status}`);
  return new Uint8Array(await response.arrayBuffer());
}
