import { createInterface } from 'node:readline';
import type { About, Job } from './contestant.js';

/** A line that comes in: who are you, or do this once. */
export type Request = { readonly what: 'about' } | Job;

/** A line that goes out: one for each that came in. */
export type Answer =
  | { readonly about: About }
  /** For the whole batch. */
  | { readonly ms: number }
  | { readonly error: string };

const lines = createInterface({ input: process.stdin })[Symbol.asyncIterator]();

/** What is asked for next; undefined when nobody will ask again. */
export async function request(): Promise<Request | undefined> {
  const { value, done } = await lines.next();
  return done ? undefined : JSON.parse(value);
}

/** Answers the last request. */
export const say = (answer: Answer): void => void process.stdout.write(`${JSON.stringify(answer)}\n`);
