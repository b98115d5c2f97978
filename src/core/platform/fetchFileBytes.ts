import { createError } from '../errors/errors.js';
import { download } from './download.js';
import type { ReadLimits } from './platform.js';

/**
 * Fetches a file from a server.
 *
 * @throws A `file` error if the request fails, if the server returns an error status or sends no byte for 60 seconds, or if the response
 *   breaks off, cannot be decompressed or is too large. The reason of `signal` if it is aborted.
 */
export async function fetchFileBytes(url: string | URL, limits: ReadLimits = {}): Promise<Uint8Array> {
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
  const { response, bytes } = await download((signal) => fetch(url, { signal }), limits).catch((cause) => {
    limits.signal?.throwIfAborted();
    throw createRequestError((cause as Error).message, (cause as Error).cause ?? cause);
  });
  if (!response.ok) throw createRequestError(`HTTP ${response.status}`);
  return bytes;
}
