// Loops in place of memory.fill and memory.copy. With those, a kernel once failed in a thread; the presumed cause is that they check their
// range against the size of the memory that the thread has noticed, which may be that before the memory has grown. See training.ts for the
// conventions of this folder.

/** Sets `bytes` bytes to 0, a multiple of 4. */
export function clear(at: usize, bytes: usize): void {
  const zero = f32x4.splat(0);
  let i: usize = 0;
  for (; i + 16 <= bytes; i += 16) v128.store(at + i, zero);
  for (; i < bytes; i += 4) store<f32>(at + i, 0);
}

/** Copies `bytes` bytes, a multiple of 4. */
export function copy(target: usize, source: usize, bytes: usize): void {
  let i: usize = 0;
  for (; i + 16 <= bytes; i += 16) v128.store(target + i, v128.load(source + i));
  for (; i < bytes; i += 4) store<u32>(target + i, load<u32>(source + i));
}
