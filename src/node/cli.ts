#!/usr/bin/env node
import { Command, CommanderError } from 'commander';
import { isMultitaskError } from '../core/errors/errors.js';
import { createBuildNativeCommand } from './commands/buildNative.js';
import { INVALID_VALUE_CODE, USAGE_EXIT_CODE } from './commands/commandOptions.js';
import { createReportCommand } from './commands/report.js';
import { createResultsCommand } from './commands/results.js';
import { createSearchCommand } from './commands/search.js';
import { createTrialCommand } from './commands/trial.js';
import { createWorkerCommand } from './commands/worker.js';
import { getRuntimeVersions } from './platform/runtimeVersions.js';

function createProgram(): Command {
  const program = new Command('tfjs-multitask')
    .description('Trains and tunes multi-task networks with TensorFlow.js.')
    .usage('COMMAND [options]')
    .version(getRuntimeVersions()['tfjs-multitask']!, '--version', 'print the version')
    .helpOption('-h, --help', 'print this help')
    .helpCommand('help [COMMAND]', 'print the help of a command')
    .configureHelp({
      optionTerm: ({ flags }) => flags.replace(/[<>]/g, ''),
      subcommandTerm: (command) => command.name(),
    })
    .addHelpText('after', '\nOptions of a command: tfjs-multitask COMMAND --help')
    .showHelpAfterError('Run the command with --help to see its usage.')
    .exitOverride();
  for (const command of [
    createBuildNativeCommand(),
    createReportCommand(),
    createResultsCommand(),
    createSearchCommand(),
    createTrialCommand(),
    createWorkerCommand(),
  ]) {
    program.addCommand(command.copyInheritedSettings(program));
  }
  return program;
}

/** Runs the command line interface with the arguments `args`, and returns the exit code. */
async function main(args: readonly string[]): Promise<number> {
  try {
    await createProgram().parseAsync(args.length > 0 ? args : ['--help'], { from: 'user' });
    return 0;
  } catch (error) {
    if (error instanceof CommanderError) {
      if (error.code === INVALID_VALUE_CODE) console.error(error.message);
      return error.exitCode === 0 ? 0 : USAGE_EXIT_CODE;
    }
    if (!isMultitaskError(error)) throw error; // Any other error is a bug, so its stack is printed.
    console.error(error.message);
    return 1;
  }
}

// The process that reads the output, such as `head`, may close the pipe early.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code !== 'EPIPE') throw error;
  process.exit();
});
main(process.argv.slice(2)).then((code) => {
  process.exitCode ||= code; // If a command was stopped, it has already set the exit code.
});
