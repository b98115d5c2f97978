import { MESSAGE_TYPE } from '../messageTypes.js';
import type { ByteReader } from './byteReader.js';

/** Entry of an object header. HDF5 calls such an entry a header message. */
export interface HeaderMessage {
  readonly type: number;
  readonly offset: number;
  readonly size: number;
}

/**
 * Reads the messages of the object whose header is at `address` (HDF5 file format 3.0, section IV.A). Both
 * header versions are supported: Keras files traditionally have version 1; HDF5 2 writes version 2 by default.
 */
export function readMessages(file: ByteReader, address: number): HeaderMessage[] {
  file.visit(address);
  const messages: HeaderMessage[] = [];
  const first = file.uint8(address) === 1;
  if (!first) {
    if (file.text(address, 4) !== 'OHDR' || file.uint8(address + 4) !== 2) {
      throw file.createCorruptFileError('data that is not the header of a group or dataset');
    }
  }
  const flags = first ? 0 : file.uint8(address + 5);
  const blocks: { at: number; size: number }[] = [];
  if (first) blocks.push({ at: address + 16, size: file.uint32(address + 8) });
  else {
    const width = 1 << (flags & 3);
    const at = address + 6 + (flags & 0x20 ? 16 : 0) + (flags & 0x10 ? 4 : 0);
    blocks.push({ at: at + width, size: file.uintOfSize(at, width) });
  }
  const head = first ? 8 : flags & 4 ? 6 : 4;
  for (const block of blocks) {
    file.spend('headers', block.size);
    const end = block.at + block.size;
    for (let offset = block.at; offset + head <= end; ) {
      const type = first ? file.uint16(offset) : file.uint8(offset);
      const size = file.uint16(offset + (first ? 2 : 1));
      const shared = file.uint8(offset + (first ? 4 : 3)) & 2;
      offset += head;
      if (offset + size > end)
        throw file.createCorruptFileError('a header message that extends beyond its header');
      if (type === MESSAGE_TYPE.continuation) {
        const next = { at: file.address(offset), size: file.uint64(offset + 8) };
        file.visit(next.at, first ? '' : 'OCHK');
        blocks.push(first ? next : { at: next.at + 4, size: next.size - 8 }); // The signature and the checksum are excluded.
      } else if (shared && (Object.values(MESSAGE_TYPE) as number[]).includes(type)) {
        throw file.createCorruptFileError('a header with shared messages, which are not supported,');
      } else messages.push({ type, offset, size });
      offset += size;
    }
  }
  return messages;
}

/** Returns the first header message of a type, or undefined. */
export function findMessage(messages: readonly HeaderMessage[], type: number): HeaderMessage | undefined {
  return messages.find((message) => message.type === type);
}
