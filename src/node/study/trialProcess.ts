/** The process of one trial: told what to try, it imports the study, runs it, and asks its parent for everything else. */
import { fault } from '../../core/errors.js';
import { checkRow } from '../../tuner/askAndTell.js';
import { trialFit } from '../../tuner/trialFit.js';
import { loadStudy } from './loadStudy.js';
import {
  type Asked,
  type FromTrial,
  heard,
  remoteStore,
  sayable,
  type Task,
  type ToTrial,
} from './messages.js';

const waiting = new Map<number, { resolve(answer: unknown): void; reject(error: Error): void }>();
const stopping = new AbortController();
let asks = 0;

const send = (message: FromTrial) => void process.send?.(message);
const ask = (asked: Asked) =>
  new Promise<unknown>((resolve, reject) => {
    const id = asks++;
    waiting.set(id, { resolve, reject });
    send({ id, asked });
  });

process.on('message', (message: ToTrial) => {
  if ('task' in message) return void run(message.task);
  if ('stop' in message) return stopping.abort();
  const question = waiting.get(message.id);
  waiting.delete(message.id);
  if ('failed' in message) question?.reject(heard(message.failed));
  else question?.resolve(message.answer);
});
// Ctrl-C reaches every process of a terminal: what it means is for the parent to say.
process.on('SIGINT', () => {});
// A trial without a parent is nobody's: its epochs would be written by nobody.
process.on('disconnect', () => process.exit(1));

const beyond = (number: number, epochs: number, epoch: number) =>
  fault({
    kind: 'argument',
    path: `trial ${number}`,
    expected: `${epochs} epochs, as its round has them`,
    received: `epoch ${epoch}`,
    advice: 'Take epochs from fit: spread ...fit behind your own options of model.fit.',
  });

async function run({ module, settings, number, values, rung, threads, label }: Task): Promise<void> {
  try {
    const study = await loadStudy(module, settings);
    const store = remoteStore(label, ask);
    const { signal } = stopping;
    let rows = 0;
    const report = async (row: { readonly [column: string]: number }) => {
      checkRow(row, study.objectives, `trial ${number}`);
      rows = row.epoch ?? rows + 1;
      if (rung && rows > rung.epochs) throw beyond(number, rung.epochs, rows);
      return (await ask({ row: { ...row, epoch: rows } })) as string | undefined;
    };
    const { objectives } = study;
    const pruned = async (reason: string) => void (await ask({ pruned: reason }));
    const fit = trialFit({ store, signal, threads, epochs: rung?.epochs, objectives, report, pruned });
    await study.run({ number, values: values as never, store, threads, signal, fit, report });
    send({ done: true });
  } catch (error) {
    console.error(error); // its stack is wanted where the trial's output is kept
    send({ failed: sayable(error) });
  }
}
