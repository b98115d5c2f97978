import protobuf from 'protobufjs/minimal.js';
import { concatBytes } from '../core/arrays.js';

/** One number as TensorBoard shows it. */
export interface ScalarSummary {
  /** `epoch_loss`. */
  readonly tag: string;
  readonly value: number;
}

/** A record of an event file. */
export interface TfEvent {
  /** Seconds since 1970. */
  readonly wallTime: number;
  /** The version, in the first record; scalars at a step in all others. */
  readonly what:
    | { readonly version: string }
    | { readonly step: number; readonly scalars: readonly ScalarSummary[] };
}

/** What the first record of an event file says. */
export const EVENT_FILE_VERSION = 'brain.Event:2';

/** Field numbers of TensorFlow's `event.proto` and `summary.proto`. */
const EVENT_FIELDS = { wallTime: 1, step: 2, fileVersion: 3, summary: 5 };
const SUMMARY_FIELDS = { value: 1 };
const VALUE_FIELDS = { tag: 1, simpleValue: 2 };
const [VARINT, FIXED64, BYTES, FIXED32] = [0, 1, 2, 5];

/** Events as an event file holds them, one framed record after another. */
export function encodeEvents(events: readonly TfEvent[]): Uint8Array {
  return concatBytes(events.map((event) => encodeRecord(encodeEvent(event))));
}

function encodeEvent({ wallTime, what }: TfEvent): Uint8Array {
  const writer = protobuf.Writer.create();
  writer.uint32(encodeFieldTag(EVENT_FIELDS.wallTime, FIXED64!)).double(wallTime);
  if ('version' in what) {
    return writer.uint32(encodeFieldTag(EVENT_FIELDS.fileVersion, BYTES!)).string(what.version).finish();
  }
  writer.uint32(encodeFieldTag(EVENT_FIELDS.step, VARINT!)).int64(what.step);
  writer.uint32(encodeFieldTag(EVENT_FIELDS.summary, BYTES!)).fork();
  for (const scalar of what.scalars) {
    writer.uint32(encodeFieldTag(SUMMARY_FIELDS.value, BYTES!)).fork();
    writer.uint32(encodeFieldTag(VALUE_FIELDS.tag, BYTES!)).string(scalar.tag);
    writer.uint32(encodeFieldTag(VALUE_FIELDS.simpleValue, FIXED32!)).float(scalar.value);
    writer.ldelim();
  }
  return writer.ldelim().finish();
}

const encodeFieldTag = (field: number, wire: number) => (field << 3) | wire;

/** A record of TensorFlow's TFRecord format: length, its checksum, the bytes, theirs; little-endian. */
function encodeRecord(data: Uint8Array): Uint8Array {
  const record = new Uint8Array(data.length + 16);
  const view = new DataView(record.buffer);
  view.setUint32(0, data.length, true); // of 64 bits: an event is far below the other half
  view.setUint32(8, computeMaskedCrc32c(record.subarray(0, 8)), true);
  record.set(data, 12);
  view.setUint32(12 + data.length, computeMaskedCrc32c(data), true);
  return record;
}

/** A CRC32C, turned and moved, since TensorFlow wants none to be the checksum of bytes which hold one. */
export function computeMaskedCrc32c(bytes: Uint8Array): number {
  const sum = computeCrc32c(bytes);
  return (((sum >>> 15) | (sum << 17)) + 0xa282ead8) >>> 0;
}

/** CRC32C (Castagnoli's polynomial, reflected), as in RFC 3720. */
export function computeCrc32c(bytes: Uint8Array): number {
  let sum = 0xffffffff;
  for (const byte of bytes) sum = CRC32C_TABLE[(sum ^ byte) & 0xff]! ^ (sum >>> 8);
  return ~sum >>> 0;
}

const CRC32C_TABLE = Uint32Array.from({ length: 256 }, (_, byte) => {
  let sum = byte;
  for (let bit = 0; bit < 8; bit++) sum = sum & 1 ? (sum >>> 1) ^ 0x82f63b78 : sum >>> 1;
  return sum;
});
