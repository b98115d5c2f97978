import { readFileSync } from 'node:fs';

/** Returns the fields of `/proc/PID/stat` from the state on: see proc(5). Undefined on systems without `/proc`. */
export function readProcessFields(pid: number): string[] | undefined {
  try {
    const text = readFileSync(`/proc/${pid}/stat`, 'utf8');
    return text.slice(text.lastIndexOf(')') + 2).split(' '); // The name of the program may contain spaces and parentheses.
  } catch {
    return undefined;
  }
}
