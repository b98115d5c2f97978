import type { WasmBackend } from './heap.js';
import { SIMD_MODULE } from './simdModule.js';

/** The functions of assembly/training.ts; addresses are bytes in the heap of TensorFlow.js's own module. */
export interface SimdKernels {
  biasReluGradient(y: number, dy: number, masked: number, bias: number, rows: number, channels: number): void;
  maxPoolGradient(x: number, dy: number, dx: number, ...geometry: number[]): void;
  filterGradient(x: number, dy: number, dw: number, ...geometry: number[]): void;
}

const instances = new WeakMap<object, SimdKernels | null>();
let allowed = true;

/** Whether {@link simdOf} may answer: tests look at both ways. */
export function allowSimd(value: boolean): void {
  allowed = value;
}

/**
 * Our inner loops at work on the backend's heap, or undefined where that cannot be reached: a runtime without SIMD, or
 * TensorFlow.js's module with threads, whose memory is shared. Kernels then take their slower way.
 */
export function simdOf({ wasm }: WasmBackend): SimdKernels | undefined {
  if (!allowed) return undefined;
  let kernels = instances.get(wasm);
  if (kernels === undefined) {
    kernels = instantiate(wasm);
    instances.set(wasm, kernels);
  }
  return kernels ?? undefined;
}

function instantiate({ asm }: WasmBackend['wasm']): SimdKernels | null {
  const memory = asm?.memory;
  if (!(memory instanceof WebAssembly.Memory) || !(memory.buffer instanceof ArrayBuffer)) return null;
  try {
    const bytes = Uint8Array.from(atob(SIMD_MODULE), (sign) => sign.charCodeAt(0));
    const instance = new WebAssembly.Instance(new WebAssembly.Module(bytes), { env: { memory } });
    return instance.exports as unknown as SimdKernels;
  } catch {
    return null; // no SIMD here
  }
}
