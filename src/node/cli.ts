#!/usr/bin/env node
import { isMultitaskError } from '../core/errors/errors.js';
import { didYouMean } from '../core/errors/suggestions.js';
import { buildNativeCommand } from './commands/buildNative.js';
import type { Command } from './commands/command.js';
import { reportCommand } from './commands/report.js';
import { resultsCommand } from './commands/results.js';
import { searchCommand } from './commands/search.js';
import { trialCommand } from './commands/trial.js';
import { workerCommand } from './commands/worker.js';

const COMMANDS: { readonly [name: string]: Command } = {
  'build-native': buildNativeCommand,
  report: reportCommand,
  results: resultsCommand,
  search: searchCommand,
  trial: trialCommand,
  worker: workerCommand,
};

const COMMAND_LIST = Object.entries(COMMANDS).map(([name, { summary }]) => `  ${name.padEnd(14)}${summary}`);
const USAGE = `usage: tfjs-multitask COMMAND [options]\n\n${COMMAND_LIST.join('\n')}\n\nOptions of a command: tfjs-multitask COMMAND --help`;

async function main(name = '--help', ...args: string[]): Promise<number> {
  const command = Object.hasOwn(COMMANDS, name) ? COMMANDS[name] : undefined;
  if (name === '--help' || name === '-h') {
    console.log(USAGE);
    return 0;
  }
  if (!command) {
    console.error(`Unknown command "${name}". ${didYouMean(name, Object.keys(COMMANDS)) ?? ''}\n${USAGE}`);
    return 2;
  }
  if (args.includes('--help') || args.includes('-h')) {
    console.log(command.usage);
    return 0;
  }
  try {
    await command.run(args);
    return 0;
  } catch (error) {
    const misused = String((error as { code?: string }).code).startsWith('ERR_PARSE_ARGS');
    if (!misused && !isMultitaskError(error)) throw error; // a bug: its stack is wanted
    console.error((error as Error).message);
    if (misused) console.error(command.usage);
    return misused ? 2 : 1;
  }
}

// `| head` has read enough.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code !== 'EPIPE') throw error;
  process.exit();
});
main(...process.argv.slice(2)).then((code) => {
  process.exitCode ||= code; // a command that was stopped has said so
});
