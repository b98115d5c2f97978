import { parseArgs } from 'node:util';
import { resultsTable } from '../../tuner/results.js';
import { liveTable } from '../study/liveTable.js';
import { runStudy } from '../study/runStudy.js';
import { studyResults } from '../study/studyResults.js';
import { folderOf, moduleOf, numberOf, queueOf, secondsOf, settingsOf, stopped, text } from './arguments.js';
import type { Command } from './command.js';

/** `tfjs-multitask search`. */
export const searchCommand: Command = {
  summary: 'runs a search, or goes on with one',
  usage: `usage: tfjs-multitask search MODULE --folder DIR [options]

Runs the study that MODULE exports by default, each trial in a process of its own, and shows a table of them; ends with
study.html, results.csv and figures in the folder. Ctrl-C stops after the steps in progress, and the same line goes on from
there. A MODULE in TypeScript needs a loader: NODE_OPTIONS="--import tsx" npx tfjs-multitask search study.ts ...

  --folder DIR      the study's folder
  --trials N        in all, those of earlier runs among them (until the strategy has no more)
  --parallel N      trials at a time (1)
  --threads N       of one trial (the machine's, shared equally)
  --timeout SECONDS   after which no further trial begins (none)
  --trial-timeout SECONDS   after which a trial is taken to hang (never)
  --settings JSON   for the module
  --queue URL       hands trials out to workers: redis://host:6379, or redis://:password@host:6379
  --name NAME       of the queue (one of its own for each study)
  --worker-timeout SECONDS  after which a silent worker is taken to be gone (30)`,
  run: async (args) => {
    const { values, positionals } = parseArgs({
      args: [...args],
      options: {
        ...{
          folder: text,
          trials: text,
          parallel: text,
          threads: text,
          timeout: text,
          'trial-timeout': text,
          settings: text,
        },
        ...{ queue: text, name: text, 'worker-timeout': text },
      },
      allowPositionals: true,
    });
    const folder = folderOf(values);
    const signal = stopped();
    const table = liveTable(process.stdout, numberOf(values, 'trials'));
    const {
      study,
      trials,
      stopped: why,
    } = await runStudy(moduleOf(positionals), {
      folder,
      ...numberOf(values, 'trials'),
      ...numberOf(values, 'parallel'),
      ...numberOf(values, 'threads'),
      ...secondsOf(values, 'timeout'),
      ...secondsOf(values, 'trial-timeout'),
      ...settingsOf(values),
      ...(values.queue !== undefined && { queue: queueOf(values.queue, values) }),
      signal,
      onChange: table.show,
    }).finally(table.end);
    console.log(resultsTable(study, trials, process.stdout.columns));
    console.log(`\n${await studyResults(folder, study, trials)}`);
    if (why === 'aborted') process.exitCode = 130;
  },
};
