import { createInterface } from 'node:readline';
import type { EngineInfo, Job } from './engineProcess.js';

/** One line on standard input: describe the engine, or run a job once. */
export type Request = { readonly what: 'info' } | Job;

/** One line on standard output: the answer to one request. */
export type Answer =
  | { readonly info: EngineInfo }
  /** Milliseconds of the whole batch. */
  | { readonly ms: number }
  | { readonly error: string };

const lines = createInterface({ input: process.stdin })[Symbol.asyncIterator]();

/** Waits for the next request. Returns undefined at the end of the input. */
export async function readRequest(): Promise<Request | undefined> {
  const { value, done } = await lines.next();
  return done ? undefined : JSON.parse(value);
}

/** Answers the last request. */
export const writeAnswer = (answer: Answer): void => void process.stdout.write(`${JSON.stringify(answer)}\n`);
