import { createError } from '../core/errors/errors.js';
import type { Network } from '../network/network.js';
import type { EngineName } from './engineChoice.js';

/** Usable size of a 4 GB WebAssembly heap, in bytes. The rest is lost to fragmentation. */
const WASM_HEAP_BYTES = 3.5 * 2 ** 30;

/**
 * Throws a `memory` error if a training step does not fit into the memory of the engine. The error reports the largest batch size that
 * fits. Without this check, running out of memory during a step would end the process.
 */
export function checkMemory(network: Network, batchSize: number, engine: EngineName): void {
  if (engine !== 'wasm') return;
  const largest = Math.floor(
    (WASM_HEAP_BYTES - estimateFixedBytes(network)) / estimateBytesPerImage(network),
  );
  if (batchSize <= largest) return;
  const [height, width] = network.input.shape;
  throw createError({
    kind: 'memory',
    path: 'fit.batchSize',
    expected:
      largest > 0
        ? `a batch size of at most ${largest} for images of ${height}x${width} pixels`
        : `images smaller than ${height}x${width} pixels`,
    received:
      largest > 0
        ? `a batch size of ${batchSize}`
        : 'images that are too large for the memory of the wasm engine',
    advice:
      largest > 0
        ? 'Use a smaller batch size or smaller images. To keep the effective batch size, set the gradientAccumulationSteps option of the optimizer.'
        : 'Use smaller images, or engine: "onnx".',
  });
}

/** Estimates the bytes that do not depend on the batch size: weights, gradients and optimizer slots, before and after an update. */
function estimateFixedBytes(network: Network): number {
  return network.layersModel.countParams() * 4 * 8;
}

/**
 * Estimates the bytes that a training step needs per image. A step stores the activations and gradients of all layers, and needs additional
 * memory for convolutions and fragmentation. The factors are based on measurements: training the network of `examples/model-a.ts` grows the
 * heap by 57 MB per image at 128x128 (activations 13.5 MB, the largest 4.1 MB) and by 14 MB at 64x64.
 */
function estimateBytesPerImage(network: Network): number {
  const sizes = network.graph.calls.flatMap(({ layer, nodeIndex }) =>
    layer.inboundNodes[nodeIndex]!.outputTensors.map(({ shape }) =>
      shape.slice(1).reduce<number>((product, side) => product * (side ?? 1), 4),
    ),
  );
  const sum = sizes.reduce((total, size) => total + size, 0);
  return 3 * sum + 4 * Math.max(...sizes);
}
