import { fault } from '../../core/errors.js';
import { sha256 } from '../../core/json.js';
import type { Store } from '../../core/outside.js';
import type { Recording, Seen } from '../../tensor/recorder.js';
import type { RecordedPass, Twins } from './twins.js';

/** Where graphs are kept that were found right: bytes by digest, each beside the hash of its bytes. */
export type Cache = Store;

/** Raised when the same recording is written as another graph. */
const FORMAT = 1;

/** The graph kept under the digest, or what `make` makes, which is kept. */
export async function cachedOr(
  cache: Cache | undefined,
  digest: () => Promise<string>,
  make: () => Promise<Uint8Array>,
): Promise<Uint8Array> {
  if (!cache) return make();
  const name = `${await digest()}.onnx`;
  const [kept, hash] = [await cache.read(name), await cache.read(`${name}.sha256`)];
  if (kept && hash) {
    if (new TextDecoder().decode(hash) === (await sha256(kept))) return kept;
    throw fault({
      kind: 'file',
      path: `${cache.label}/${name}`,
      expected: 'the graph that was written there',
      received: 'bytes that were changed since',
      advice: 'Remove the file; it is made anew.',
    });
  }
  const made = await make();
  await cache.write(name, made);
  await cache.write(`${name}.sha256`, new TextEncoder().encode(await sha256(made)));
  return made;
}

/** Names what two recorded passes did: operations, attributes, shapes, wiring and constants; not what went in. */
export async function digestOf(twins: Twins, runtime: string): Promise<string> {
  const text = JSON.stringify([FORMAT, runtime, twins.map(textOf)]);
  return sha256(new TextEncoder().encode(text));
}

function textOf({ recording, inputs, outputs }: RecordedPass): unknown {
  const numbers = new Map<object, number>();
  const declared = new Map(inputs.map(({ name, tensor }) => [tensor.id, name]));
  const nameOf = (tensor: Seen) => {
    if (!numbers.has(tensor.id)) numbers.set(tensor.id, numbers.size);
    return [numbers.get(tensor.id), tensor.shape, tensor.dtype, constantOf(recording, declared, tensor)];
  };
  return [
    recording.calls.map(({ kernel, inputs: own, attributes, outputs: made }) => [
      kernel,
      Object.entries(own).map(([name, tensor]) => [name, nameOf(tensor)]),
      attributes,
      made.map(nameOf),
    ]),
    outputs.map(({ name, tensor }) => [name, nameOf(tensor)]),
  ];
}

const constantOf = (recording: Recording<unknown>, declared: Map<object, string>, { id }: Seen) =>
  declared.get(id) ?? Array.from(recording.leaves.get(id) ?? []);
