/** Milliseconds of work that this process has had: other than a clock's, they stand still while the machine does something else. */
export function spent(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1000;
}
