import { spawn } from 'node:child_process';

/** What a program left behind. */
export interface ProgramResult {
  /** Its exit code; null when a signal ended it, undefined when there is no such program. */
  readonly code: number | null | undefined;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs a program to its end. Never rejects: no such program is an answer too. */
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
