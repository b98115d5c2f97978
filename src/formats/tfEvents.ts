import protobuf from 'protobufjs/minimal.js';
import { concatBytes } from '../core/arrays.js';
import { createCrc32 } from './crc32.js';

/** Scalar value for TensorBoard. */
export interface ScalarSummary {
  /** Name of the chart in TensorBoard, for example `epoch_loss`. */
  readonly tag: string;
  readonly value: number;
}

/** Record in a TensorBoard event file. */
export interface TfEvent {
  /** Unix time in seconds. */
  readonly wallTime: number;
  /** Contents of the record: the file version in the first record, the scalars of one step in all other records. */
  readonly what:
    | { readonly version: string }
    | { readonly step: number; readonly scalars: readonly ScalarSummary[] };
}

/** Version string in the first record of an event file. */
export const EVENT_FILE_VERSION = 'brain.Event:2';

/** Field numbers of TensorFlow's `event.proto` and `summary.proto`. */
const EVENT_FIELDS = { wallTime: 1, step: 2, fileVersion: 3, summary: 5 };
const SUMMARY_FIELDS = { value: 1 };
const VALUE_FIELDS = { tag: 1, simpleValue: 2 };
const [VARINT, FIXED64, BYTES, FIXED32] = [0, 1, 2, 5];

/** Encodes events as the contents of an event file, one TFRecord per event. */
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

/** Frames data as a TFRecord: length, CRC of the length, data, CRC of the data; all little-endian. */
function encodeRecord(data: Uint8Array): Uint8Array {
  const record = new Uint8Array(data.length + 16);
  const view = new DataView(record.buffer);
  view.setUint32(0, data.length, true); // The length field has 64 bits, but events never need the upper half.
  view.setUint32(8, computeMaskedCrc32c(record.subarray(0, 8)), true);
  record.set(data, 12);
  view.setUint32(12 + data.length, computeMaskedCrc32c(data), true);
  return record;
}

/**
 * Computes the masked CRC32C of the TFRecord format. TensorFlow rotates the CRC and adds a constant, because
 * the CRC of data that contains a CRC is weak.
 */
export function computeMaskedCrc32c(bytes: Uint8Array): number {
  const sum = computeCrc32c(bytes);
  return (((sum >>> 15) | (sum << 17)) + 0xa282ead8) >>> 0;
}

/** Computes the CRC32C (Castagnoli polynomial) as defined in RFC 3720. */
export const computeCrc32c = createCrc32(0x82f63b78);
