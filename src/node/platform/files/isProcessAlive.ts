import { readProcessFields } from './readProcessFields.js';

/** Tests whether a process is running on this machine. */
export function isProcessAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return readProcessFields(pid)?.[0] !== 'Z'; // A killed process exists until its parent has read its exit code.
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}
