/**
 * Entry script of the process that runs one trial. It imports the study, runs the trial, and sends reports and file requests to the parent
 * process.
 */
import { createError } from '../../../core/errors/errors.js';
import { checkRow } from '../../../tuner/results/checkRow.js';
import { createTrialFitOptions } from '../../../tuner/trialFitOptions.js';
import { loadStudy } from './loadStudy.js';
import {
  deserializeError,
  type MessageFromTrial,
  type MessageToTrial,
  type ParentRequest,
  remoteStore,
  serializeError,
  type TrialSpec,
} from './trialMessages.js';

const pendingRequests = new Map<number, { resolve(answer: unknown): void; reject(error: Error): void }>();
const stopController = new AbortController();
let requestCount = 0;

const send = (message: MessageFromTrial) => void process.send?.(message);
const requestFromParent = (asked: ParentRequest) =>
  new Promise<unknown>((resolve, reject) => {
    const id = requestCount++;
    pendingRequests.set(id, { resolve, reject });
    send({ id, asked });
  });

process.on('message', (message: MessageToTrial) => {
  if ('task' in message) return void runAssignedTrial(message.task);
  if ('stop' in message) return stopController.abort();
  const request = pendingRequests.get(message.id);
  pendingRequests.delete(message.id);
  if ('failed' in message) request?.reject(deserializeError(message.failed));
  else request?.resolve(message.answer);
});
// Ctrl-C is sent to every process of a terminal. The parent handles it and stops the trial.
process.on('SIGINT', () => {});
// Without the parent process, this process cannot save its epochs, so it exits.
process.on('disconnect', () => process.exit(1));

const createEpochLimitError = (number: number, epochs: number, epoch: number) =>
  createError({
    kind: 'argument',
    path: `trial ${number}`,
    expected: `reports for at most ${epochs} epochs in this round of the strategy`,
    received: `a report for epoch ${epoch}`,
    advice: 'Write model.fit(train, { ...yourOptions, ...fitOptions }), so that fitOptions.epochs applies.',
  });

async function runAssignedTrial({
  module,
  settings,
  number,
  params,
  rung,
  threads,
  label,
}: TrialSpec): Promise<void> {
  try {
    const study = await loadStudy(module, settings);
    const store = remoteStore(label, requestFromParent);
    const { signal } = stopController;
    let rows = 0;
    const report = async (row: { readonly [column: string]: number }) => {
      checkRow(row, study.objectives, `trial ${number}`);
      rows = row.epoch ?? rows + 1;
      if (rung && rows > rung.epochs) throw createEpochLimitError(number, rung.epochs, rows);
      return (await requestFromParent({ row: { ...row, epoch: rows } })) as string | undefined;
    };
    const { objectives } = study;
    const reportPruned = async (reason: string) => void (await requestFromParent({ pruned: reason }));
    const fitOptions = createTrialFitOptions({
      store,
      signal,
      threads,
      epochs: rung?.epochs,
      objectives,
      report,
      reportPruned,
    });
    await study.run({ number, params: params as never, store, threads, signal, fitOptions, report });
    send({ done: true });
  } catch (error) {
    console.error(error); // This writes the stack to the output of the trial.
    send({ failed: serializeError(error) });
  }
}
