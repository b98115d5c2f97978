import { fault } from '../core/errors.js';
import type { EngineName } from '../engines/choose.js';
import type { Network } from '../models/network.js';

/** What a 32-bit heap can hold, less what its allocator loses between pieces of this size. */
const WASM_BYTES = 3.5 * 2 ** 30;

/**
 * Throws a `memory` fault when a training step cannot fit the engine's memory, naming the largest batch that does: a
 * heap that runs out in the middle of a step takes the process with it.
 */
export function checkMemory(network: Network, batchSize: number, engine: EngineName): void {
  if (engine !== 'wasm') return;
  const largest = Math.floor((WASM_BYTES - fixedBytes(network)) / bytesPerImage(network));
  if (batchSize <= largest) return;
  const [height, width] = network.input.shape;
  throw fault({
    kind: 'memory',
    path: 'fit.batchSize',
    expected:
      largest > 0 ? `at most ${largest} images of ${height}x${width} with the wasm engine` : 'smaller images',
    received: String(batchSize),
    advice:
      'Give a smaller batch or smaller images; gradientAccumulationSteps makes one update of several batches.',
  });
}

/** Weights, gradients and the optimiser's slots, old and new. */
function fixedBytes(network: Network): number {
  return network.layersModel.countParams() * 4 * 8;
}

/**
 * A step keeps the activation of every call for the way back and beside each its gradient; convolutions, and the allocator's gaps, take
 * the rest. The factors are measured: Model A grows the heap by 57 MB an image at 128x128 (activations 13.5 MB, the largest
 * 4.1 MB) and by 14 MB at 64x64.
 */
function bytesPerImage(network: Network): number {
  const sizes = network.graph.calls.flatMap(({ layer, node }) =>
    layer.inboundNodes[node]!.outputTensors.map(({ shape }) =>
      shape.slice(1).reduce<number>((product, side) => product * (side ?? 1), 4),
    ),
  );
  const sum = sizes.reduce((total, size) => total + size, 0);
  return 3 * sum + 4 * Math.max(...sizes);
}
