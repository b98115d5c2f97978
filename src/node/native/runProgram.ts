import { spawn } from 'node:child_process';

/** Result of a program that has ended. */
export interface ProgramResult {
  /** Exit code: null if a signal ended the program, undefined if the program does not exist. */
  readonly code: number | null | undefined;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs a program until it ends. The promise is never rejected. If the program does not exist, the exit code is undefined. */
export function runProgram(command: string, args: readonly string[], cwd?: string): Promise<ProgramResult> {
  return new Promise((resolve) => {
    const child = spawn(command, args, { cwd, stdio: ['ignore', 'pipe', 'pipe'] });
    const stdout: string[] = [];
    const stderr: string[] = [];
    child.stdout.setEncoding('utf8').on('data', (text: string) => void stdout.push(text));
    child.stderr.setEncoding('utf8').on('data', (text: string) => void stderr.push(text));
    child.once('error', (error) => resolve({ code: undefined, stdout: '', stderr: error.message }));
    child.once('close', (code) => resolve({ code, stdout: stdout.join(''), stderr: stderr.join('') }));
  });
}
