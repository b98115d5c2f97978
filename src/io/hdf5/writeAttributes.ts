import type { Hdf5Value } from '../hdf5.js';
import { bytesOf, Fields } from './fields.js';
import { MESSAGE } from './messages.js';
import {
  fixedTextType,
  LONGEST_MESSAGE,
  numberType,
  space,
  textType,
  type Written,
} from './writeMessages.js';
import { NAMES, refused } from './writeRefused.js';
import type { TextHeap } from './writeTexts.js';

/** An object's header takes 64 kB; Keras cuts its lists of names below that (HDF5_OBJECT_HEADER_LIMIT). */
const LONGEST_LIST = 64_512;
/** Bytes that an entry of a list of texts takes in the header: its length and where it stands. */
const REFERENCE = 16;

/**
 * Messages of an object's attributes.
 *
 * Texts are of any length, in a heap, as h5py writes them: a header cannot hold one of more than 64 kB, which the
 * `model_config` of a large model is, and Keras takes either kind.
 */
export function attributeMessages(
  heap: TextHeap,
  place: string,
  attributes: { readonly [name: string]: Hdf5Value },
): Written[] {
  const written: Written[] = [];
  const names = new Set<string>();
  const add = (name: string, type: Uint8Array, shape: readonly number[], values: Uint8Array) => {
    if (name === '' || name.includes('\0'))
      throw refused(place, `an attribute named ${JSON.stringify(name)}`, NAMES);
    if (names.has(name))
      throw refused(
        place,
        `two attributes named "${name}"`,
        'One is a part of a long list: rename the other.',
      );
    names.add(name);
    const bytes = attribute(name, type, shape, values);
    if (bytes.length > LONGEST_MESSAGE) {
      throw refused(
        place,
        `the attribute "${name}" of ${bytes.length} bytes, where a header takes 64 kB`,
        'Make it a dataset.',
      );
    }
    written.push({ type: MESSAGE.attribute, bytes });
  };
  for (const [name, value] of Object.entries(attributes)) {
    const values: readonly (string | number)[] = Array.isArray(value) ? value : [value as string | number];
    const shape = Array.isArray(value) ? [values.length] : [];
    if (values.length > 0 && values.every((entry) => typeof entry === 'string')) {
      if (values.some((text) => text.includes('\0')))
        throw refused(place, `a zero in the text of "${name}"`, 'Text ends at one there: take it out.');
      addTexts(heap, add, name, values, shape);
    } else {
      const whole = values.length > 0 && values.every((entry) => Number.isSafeInteger(entry));
      const numbers = whole
        ? BigInt64Array.from(values, (entry) => BigInt(entry))
        : Float64Array.from(values as readonly number[]);
      add(name, numberType(numbers), shape, bytesOf(numbers));
    }
  }
  return written;
}

/** An attribute of version 1, of which each part is filled up to eight bytes (IV.A.2.m). */
function attribute(name: string, type: Uint8Array, shape: readonly number[], values: Uint8Array): Uint8Array {
  const utf8 = new TextEncoder().encode(`${name}\0`);
  const sides = space(shape);
  const head = new Fields().byte(1, 0).short(utf8.length).short(type.length).short(sides.length);
  return head.raw(utf8).filled().raw(type).filled().raw(sides).raw(values).done();
}

function addTexts(
  heap: TextHeap,
  add: (name: string, type: Uint8Array, shape: readonly number[], values: Uint8Array) => void,
  name: string,
  texts: readonly string[],
  shape: readonly number[],
): void {
  const encoded = texts.map((text) => new TextEncoder().encode(text));
  const longest = encoded.reduce((most, { length }) => Math.max(most, length), 0);
  const list = shape.length > 0;
  if (!list || texts.length * Math.max(longest, REFERENCE) <= LONGEST_LIST) {
    const ascii = encoded.every((bytes, i) => bytes.length === texts[i]!.length);
    const references = new Fields();
    for (const text of encoded) {
      const { address, number } = heap.put(text);
      references.int(text.length).long(address).int(number);
    }
    add(name, textType(!ascii), shape, references.done());
    return;
  }
  const width = longest + 1; // so that each ends at a zero
  let at = 0;
  for (const [part, count] of partsOf(texts.length, width).entries()) {
    const bytes = new Uint8Array(count * width);
    for (let i = 0; i < count; i++) bytes.set(encoded[at + i]!, i * width);
    add(`${name}${part}`, fixedTextType(width), [count], bytes);
    at += count;
  }
}

/** How many texts each part takes: the fewest parts that fit, the first ones longer by one, as numpy's array_split does. */
function partsOf(count: number, width: number): number[] {
  let parts = 2;
  while (parts < count && Math.ceil(count / parts) * width > LONGEST_LIST) parts++;
  return Array.from({ length: parts }, (_, i) => Math.floor(count / parts) + (i < count % parts ? 1 : 0));
}
