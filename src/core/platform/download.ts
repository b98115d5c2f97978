import { concatBytes } from '../arrays.js';
import type { FetcherResponse, ReadLimits } from './platform.js';

/** Time without a byte after which a download is given up, in milliseconds. */
const IDLE_TIMEOUT = 60_000;

/** Default of the largest size of a downloaded file in bytes, which is also the largest size of a file on disk. */
export const MAX_DOWNLOAD_BYTES = 2 ** 31 - 1;

/** A request to a server, which is aborted if the server sends no byte for 60 seconds. */
export interface Connection {
  /** Signal to pass to `fetch`. */
  readonly signal: AbortSignal;
  /**
   * Waits for the next part of the response.
   *
   * @throws An `Error` whose message describes what was received, after 60 seconds. The reason of the user's signal if it is aborted.
   */
  wait<R>(part: Promise<R>): Promise<R>;
}

/** Calls a function with a connection that ends when the function returns. `signal` aborts the connection. */
export async function withConnection<R>(
  signal: AbortSignal | undefined,
  run: (connection: Connection) => Promise<R>,
): Promise<R> {
  const controller = new AbortController();
  const onAbort = () => controller.abort(signal?.reason);
  if (signal?.aborted) onAbort();
  signal?.addEventListener('abort', onAbort);
  const wait = async <P>(part: Promise<P>): Promise<P> => {
    let rejectWait!: () => void;
    const aborted = new Promise<never>((_, reject) => {
      rejectWait = () => reject(controller.signal.reason);
    });
    if (controller.signal.aborted) rejectWait();
    controller.signal.addEventListener('abort', rejectWait);
    const timer = setTimeout(() => {
      controller.abort(new Error(`no data for ${IDLE_TIMEOUT / 1000} seconds`));
    }, IDLE_TIMEOUT);
    try {
      return await Promise.race([part, aborted]);
    } finally {
      clearTimeout(timer);
      controller.signal.removeEventListener('abort', rejectWait);
    }
  };
  try {
    return await run({ signal: controller.signal, wait });
  } finally {
    signal?.removeEventListener('abort', onAbort);
  }
}

/** Returns the parts of the body of a response, as they are received. The rest of the body is canceled if the caller stops. */
export async function* readBody({ body }: FetcherResponse, { wait }: Connection): AsyncGenerator<Uint8Array> {
  const reader = body?.getReader();
  if (!reader) return;
  try {
    for (let next = await wait(reader.read()); !next.done; next = await wait(reader.read())) yield next.value;
  } finally {
    // Canceling a broken stream fails or never ends. The stream is not used again.
    reader.cancel().catch(() => {});
  }
}

/**
 * Requests a file and returns its bytes. The caller checks the status of the response.
 *
 * @param request - Sends the request with the signal of the connection.
 * @returns The response, and its bytes if its status is 200 to 299.
 * @throws An `Error` whose message is a noun phrase for what was received: no response, a response that broke off or that cannot be
 *   decompressed, or more than `maxBytes`. The reason of `signal` if it is aborted.
 */
export async function download(
  request: (signal: AbortSignal) => Promise<Response>,
  { maxBytes = MAX_DOWNLOAD_BYTES, signal }: ReadLimits = {},
): Promise<{ readonly response: Response; readonly bytes: Uint8Array }> {
  return withConnection(signal, async (connection) => {
    const response = await connection.wait(request(connection.signal)).catch((cause) => {
      signal?.throwIfAborted();
      throw new Error(`no response (${describeFailure(cause)})`, { cause });
    });
    const tooLarge = () => new Error(`a response of more than ${maxBytes} bytes`);
    const chunks: Uint8Array[] = [];
    let size = 0;
    if (!response.ok || Number(response.headers.get('content-length')) > maxBytes) {
      response.body?.cancel().catch(() => {});
      if (response.ok) throw tooLarge();
      return { response, bytes: new Uint8Array() };
    }
    try {
      for await (const chunk of readBody(response as FetcherResponse, connection)) {
        chunks.push(chunk);
        size += chunk.length;
        if (size > maxBytes) break;
      }
    } catch (cause) {
      signal?.throwIfAborted();
      const received = `a response that broke off after ${size} bytes (${describeFailure(cause)})`;
      throw new Error(received, { cause });
    }
    if (size > maxBytes) throw tooLarge();
    return { response, bytes: concatBytes(chunks) };
  });
}

/** Returns the reason why a request failed. In Node, the reason is in the error's `cause`, not in its message. */
export function describeFailure(error: unknown): string {
  const { message, cause } = error as Error;
  const { code, message: inner } = (cause ?? {}) as { readonly code?: string; readonly message?: string };
  return code ?? inner ?? message ?? String(error);
}
