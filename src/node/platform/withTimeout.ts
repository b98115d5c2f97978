/**
 * Waits until `promise` is resolved or rejected, or until the timeout expires. The result of the promise is
 * ignored.
 */
export async function withTimeout(milliseconds: number, promise: Promise<unknown>): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const timeout = new Promise((resolve) => {
    timer = setTimeout(resolve, milliseconds);
  });
  await Promise.race([promise.catch(() => {}), timeout]);
  clearTimeout(timer);
}
