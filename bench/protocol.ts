import { createInterface } from 'node:readline';
import type { EngineInfo, Job } from './engineProcess.js';

/** Request to describe the engine, or to run a job once. It is one line on standard input. */
export type Request = { readonly what: 'info' } | Job;

/** Response to one request. It is one line on standard output. */
export type Answer =
  | { readonly info: EngineInfo }
  /** Time of the whole batch in milliseconds. */
  | { readonly ms: number }
  | { readonly error: string };

const lines = createInterface({ input: process.stdin })[Symbol.asyncIterator]();

/** Waits for the next request. Returns undefined at the end of the input. */
export async function readRequest(): Promise<Request | undefined> {
  const { value, done } = await lines.next();
  return done ? undefined : JSON.parse(value);
}

/** Writes the response to the last request. */
export const writeAnswer = (answer: Answer): void => void process.stdout.write(`${JSON.stringify(answer)}\n`);
