import { createFileError } from '../../../core/errors/errors.js';
import { formatValue } from '../../../core/errors/formatValue.js';

/** Maximum nesting depth of JSON. Each nested model adds four levels, so deeper JSON is treated as an attempt to overflow the stack. */
const MAX_DEPTH = 200;

const SAVE_AGAIN_ADVICE = 'Save the model again with Keras.';

/**
 * Value in the JSON of a Keras file, together with its path. The JSON is not trusted, so the type of each value is checked when it is read.
 * Error messages contain the path, for example `face.keras: config.json: layers[3].config.filters`.
 */
export class JsonNode {
  constructor(
    readonly value: unknown,
    /** Path of the value, used in error messages. */
    readonly path: string,
    /** Separator between the path and the key of a field: `: ` after a file name, `.` otherwise. */
    private readonly separator: '.' | ': ' = '.',
  ) {}

  /** Parses JSON text. Throws a `file` error if the text is not JSON, or is nested too deeply. */
  static parse(text: string, path: string): JsonNode {
    if (measureDepth(text) > MAX_DEPTH)
      throw createFileError(
        path,
        `JSON with at most ${MAX_DEPTH} levels of nesting`,
        'JSON with deeper nesting',
        SAVE_AGAIN_ADVICE,
      );
    try {
      return new JsonNode(JSON.parse(text), path, ': ');
    } catch (cause) {
      throw createFileError(
        path,
        'valid JSON',
        `invalid JSON (${(cause as Error).message})`,
        SAVE_AGAIN_ADVICE,
        cause,
      );
    }
  }

  /**
   * Returns the node of a field, but with the path of this node. The importer uses this method for the `config` field of a model, whose key
   * would otherwise be part of every path within the model.
   */
  atSamePath(key: string): JsonNode {
    return new JsonNode(this.at(key).value, this.path, this.separator);
  }

  /**
   * Returns a node with the same path and a different value. The importer uses this method for a value that is not stored in the file but
   * follows from the contents of the file.
   */
  withValue(value: unknown): JsonNode {
    return new JsonNode(value, this.path);
  }

  /** Creates a `file` error with the path of this value. */
  createError(
    expected: string,
    received: string = formatValue(this.value),
    advice: string = SAVE_AGAIN_ADVICE,
  ): Error {
    return createFileError(this.path, expected, received, advice);
  }

  /** Whether the value is undefined or null. */
  get isMissing(): boolean {
    return this.value === undefined || this.value === null;
  }

  get isRecord(): boolean {
    return typeof this.value === 'object' && this.value !== null && !Array.isArray(this.value);
  }

  get isList(): boolean {
    return Array.isArray(this.value);
  }

  /**
   * Returns a field of a record. A missing field results in a node with the value undefined, so that a later check can report the path of
   * the field.
   */
  at(key: string): JsonNode {
    if (!this.isRecord) throw this.createError('an object');
    const record = this.value as { readonly [key: string]: unknown };
    return new JsonNode(
      Object.hasOwn(record, key) ? record[key] : undefined,
      `${this.path}${this.separator}${key}`,
    );
  }

  /**
   * Returns the field with the first of `keys` that exists. The importer uses this method for settings that have different keys in Keras 2
   * and 3. If none of the keys exists, returns a missing field with the first key.
   */
  atAny(...keys: readonly [string, ...string[]]): JsonNode {
    return this.at(keys.find((key) => !this.at(key).isMissing) ?? keys[0]);
  }

  /** Returns the fields of a record as `[key, node]` pairs. */
  entries(): [string, JsonNode][] {
    if (!this.isRecord) throw this.createError('an object');
    return Object.keys(this.value as object).map((key) => [key, this.at(key)]);
  }

  items(): JsonNode[] {
    if (!Array.isArray(this.value)) throw this.createError('an array');
    return this.value.map((item, i) => new JsonNode(item, `${this.path}[${i}]`));
  }

  /**
   * Returns the node of the number or list in a NumPy value: `{ value }` in Keras 2, `{ class_name: "__numpy__", config: { value } }` in
   * Keras 3. Returns this node if it is not a NumPy value.
   */
  unwrapNumpy(): JsonNode {
    if (!this.isRecord) return this;
    const record = this.at('class_name').value === '__numpy__' ? this.at('config') : this;
    const value = record.isRecord ? record.at('value') : record;
    return typeof value.value === 'number' || value.isList ? value : this;
  }

  asText(fallback?: string): string {
    if (this.isMissing && fallback !== undefined) return fallback;
    if (typeof this.value !== 'string') throw this.createError('a string');
    return this.value;
  }

  asBoolean(fallback?: boolean): boolean {
    if (this.isMissing && fallback !== undefined) return fallback;
    if (typeof this.value !== 'boolean') throw this.createError('true or false');
    return this.value;
  }

  asNumber(fallback?: number): number {
    if (this.isMissing && fallback !== undefined) return fallback;
    const { value } = this.unwrapNumpy();
    if (typeof value !== 'number' || !Number.isFinite(value)) throw this.createError('a number');
    return value;
  }

  /** Returns the value as an integer. Throws a `file` error if the value is not an integer of at least `min`. */
  asInteger(min = 1, fallback?: number): number {
    if (this.isMissing && fallback !== undefined) return fallback;
    const { value } = this.unwrapNumpy();
    if (!Number.isSafeInteger(value) || (value as number) < min)
      throw this.createError(`an integer of at least ${min}`);
    return value as number;
  }

  /** Returns the value as a pair of integers of at least `min`. A single integer is used for both elements. */
  asIntegerPair(min = 1, fallback?: number): [number, number] {
    if (!this.isList) {
      const both = this.asInteger(min, fallback);
      return [both, both];
    }
    const items = this.items();
    if (items.length !== 2) throw this.createError('an array of two integers');
    return [items[0]!.asInteger(min), items[1]!.asInteger(min)];
  }

  /** Returns the value if it is one of `words`. Throws a `file` error otherwise. */
  asOneOf<const W extends string>(words: readonly W[], fallback?: W): W {
    if (this.isMissing && fallback !== undefined) return fallback;
    const found = words.find((word) => word === this.value);
    if (found === undefined) throw this.createError(words.map((word) => `"${word}"`).join(' or '));
    return found;
  }
}

/** Returns the maximum nesting depth of arrays and objects in JSON text. Brackets in strings are ignored. */
function measureDepth(text: string): number {
  let depth = 0;
  let deepest = 0;
  let inString = false;
  for (let i = 0; i < text.length; i++) {
    const letter = text[i];
    if (inString) {
      if (letter === '\\') i++;
      else if (letter === '"') inString = false;
    } else if (letter === '"') inString = true;
    else if (letter === '{' || letter === '[') deepest = Math.max(deepest, ++depth);
    else if (letter === '}' || letter === ']') depth--;
  }
  return deepest;
}
