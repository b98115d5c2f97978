import { execFileSync } from 'node:child_process';
import { describe, expect, test } from 'vitest';
import { tf } from '../../src/tensor/tf.js';
import { conformance } from '../engines/conformance.js';
import { reason } from './native.js';

/** The GPUs of NVIDIA that the machine has, by name; none where its driver does not answer. */
function gpus(): string[] {
  try {
    const answer = execFileSync('nvidia-smi', ['--query-gpu=name', '--format=csv,noheader'], {
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'ignore'],
    });
    return answer.split('\n').filter(Boolean);
  } catch {
    return [];
  }
}

const why = gpus().length === 0 ? 'no NVIDIA GPU answers to nvidia-smi' : reason;
if (why) console.log(`native on CUDA is not tested: ${why}`);

describe.skipIf(why)(`native on CUDA${why ? ` (not run: ${why})` : ` on ${gpus().join(', ')}`}`, () => {
  test('TensorFlow works on the GPU', () => {
    expect((tf.backend() as { isUsingGpuDevice?: boolean }).isUsingGpuDevice).toBe(true);
  });
  conformance('native');
});
