import { execFileSync } from 'node:child_process';
import * as tf from '@tensorflow/tfjs';
import { describe, expect, test } from 'vitest';
import { conformance } from '../engines/conformance.js';
import { skipReason } from './native.js';

/** Returns the names of the NVIDIA GPUs of the machine; an empty list if the driver is not installed. */
function listGpus(): string[] {
  try {
    const output = execFileSync('nvidia-smi', ['--query-gpu=name', '--format=csv,noheader'], {
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'ignore'],
    });
    return output.split('\n').filter(Boolean);
  } catch {
    return [];
  }
}

const gpuSkipReason = listGpus().length === 0 ? 'nvidia-smi found no NVIDIA GPU' : skipReason;
if (gpuSkipReason) console.log(`native on CUDA is not tested: ${gpuSkipReason}`);

describe.skipIf(gpuSkipReason)(
  `the native engine on CUDA${gpuSkipReason ? ` (not run: ${gpuSkipReason})` : ` on ${listGpus().join(', ')}`}`,
  () => {
    test('runs TensorFlow on the GPU', () => {
      expect((tf.backend() as { isUsingGpuDevice?: boolean }).isUsingGpuDevice).toBe(true);
    });
    conformance('native');
  },
);
