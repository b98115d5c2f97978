import type { FileBytes } from './fileBytes.js';

/** Kinds of messages in an object's header that are read. */
export const MESSAGE = {
  space: 1,
  links: 2,
  type: 3,
  fill: 5,
  link: 6,
  external: 7,
  layout: 8,
  filters: 11,
  attribute: 12,
  continuation: 16,
  symbols: 17,
  attributes: 21,
} as const;

/** A message: what HDF5 calls each of the facts of which an object's header is made. */
export interface Message {
  readonly type: number;
  readonly at: number;
  readonly size: number;
}

/**
 * Messages of the object whose header is at `address` (HDF5 file format 3.0, IV.A). Both versions of a header are read:
 * the first is what Keras's files have had, the second what HDF5 2 writes by itself.
 */
export function messagesOf(file: FileBytes, address: number): Message[] {
  file.enter(address);
  const messages: Message[] = [];
  const first = file.byte(address) === 1;
  if (!first) {
    if (file.text(address, 4) !== 'OHDR' || file.byte(address + 4) !== 2) {
      throw file.corrupt('no header of a group or dataset');
    }
  }
  const flags = first ? 0 : file.byte(address + 5);
  const blocks: { at: number; size: number }[] = [];
  if (first) blocks.push({ at: address + 16, size: file.int(address + 8) });
  else {
    const width = 1 << (flags & 3);
    const at = address + 6 + (flags & 0x20 ? 16 : 0) + (flags & 0x10 ? 4 : 0);
    blocks.push({ at: at + width, size: file.packed(at, width) });
  }
  const head = first ? 8 : flags & 4 ? 6 : 4;
  for (const block of blocks) {
    file.spend('headers', block.size);
    const end = block.at + block.size;
    for (let at = block.at; at + head <= end; ) {
      const type = first ? file.short(at) : file.byte(at);
      const size = file.short(at + (first ? 2 : 1));
      const shared = file.byte(at + (first ? 4 : 3)) & 2;
      at += head;
      if (at + size > end) throw file.corrupt('a header whose parts are larger than it');
      if (type === MESSAGE.continuation) {
        const next = { at: file.address(at), size: file.long(at + 8) };
        file.enter(next.at, first ? '' : 'OCHK');
        blocks.push(first ? next : { at: next.at + 4, size: next.size - 8 }); // its name and its checksum
      } else if (shared && (Object.values(MESSAGE) as number[]).includes(type)) {
        throw file.corrupt('a header that shares parts with another');
      } else messages.push({ type, at, size });
      at += size;
    }
  }
  return messages;
}

/** The only message of a kind, or undefined. */
export function messageOf(messages: readonly Message[], type: number): Message | undefined {
  return messages.find((message) => message.type === type);
}
