/** Sizes of the long tests. */
export interface TestSize {
  /** Number of mutated files that are read. */
  readonly files: number;
  /** Number of times that a training run is killed, on each engine. */
  readonly kills: number;
  /** Seed of the mutations and of the moments of the kills. */
  readonly seed: number;
  /** Whether disk faults are also injected on `onnx` and in runs that replace or resume earlier runs. */
  readonly allFaults: boolean;
}

const FULL: TestSize = { files: 10_000, kills: 200, seed: 1, allFaults: true };
/** Size for CI. */
const SAMPLE: TestSize = { files: 400, kills: 3, seed: 1, allFaults: false };

/**
 * Returns the sizes that the environment variable `LONG_TEST` requests.
 *
 * - Not set: the full size. The seed is 1.
 * - `sample`: the size for CI.
 * - Changes of one of these, for example `files=2000,kills=30,seed=7` or `sample,seed=7`.
 */
export function readTestSize(text = process.env.LONG_TEST ?? ''): TestSize {
  const parts = text.split(',').filter((part) => part !== '');
  const size: Record<keyof TestSize, number | boolean> = { ...(parts[0] === 'sample' ? SAMPLE : FULL) };
  for (const part of parts[0] === 'sample' ? parts.slice(1) : parts) {
    const [, name, value] = part.match(/^(files|kills|seed)=(\d+)$/) ?? [];
    if (name === undefined)
      throw new Error(`LONG_TEST: expected files=…, kills=… or seed=…, received ${part}`);
    size[name as keyof TestSize] = Number(value);
  }
  return size as unknown as TestSize;
}
