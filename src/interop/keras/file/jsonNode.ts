import { createError } from '../../../core/errors/errors.js';
import { formatValue } from '../../../core/errors/formatValue.js';

/** Nested models take four levels each; what is nested deeper was made to exhaust the stack. */
const MAX_DEPTH = 200;

const SAVE_AGAIN_ADVICE = 'Save the model anew with Keras.';

/**
 * A part of a file's JSON and where it stands, read by guards: nothing in it is trusted to have any type. Errors name
 * the file and the place: `face.keras: config.json: layers[3].config.filters`.
 */
export class JsonNode {
  constructor(
    readonly value: unknown,
    /** For errors. */
    readonly path: string,
    /** Between the path and the name of a field: the file's name is followed by `: `. */
    private readonly separator: '.' | ': ' = '.',
  ) {}

  /** JSON text as a part. Throws a `file` fault for other text, and for one nested deeper than any model is. */
  static parse(text: string, path: string): JsonNode {
    const wrong = (expected: string, received: string, cause?: unknown) =>
      createError({ kind: 'file', path, expected, received, advice: SAVE_AGAIN_ADVICE, cause });
    if (measureDepth(text) > MAX_DEPTH) throw wrong(`JSON of at most ${MAX_DEPTH} levels`, 'deeper nesting');
    try {
      return new JsonNode(JSON.parse(text), path, ': ');
    } catch (cause) {
      throw wrong('JSON', (cause as Error).message, cause);
    }
  }

  /** A field whose own fields are named as if they stood here: every place in a model is in its `config`. */
  atSamePath(key: string): JsonNode {
    return new JsonNode(this.at(key).value, this.path, this.separator);
  }

  /** Something that the file says without words, read as if it stood here. */
  withValue(value: unknown): JsonNode {
    return new JsonNode(value, this.path);
  }

  /** A `file` fault about this part. */
  createError(
    expected: string,
    received: string = formatValue(this.value),
    advice: string = SAVE_AGAIN_ADVICE,
  ): Error {
    return createError({ kind: 'file', path: this.path, expected, received, advice });
  }

  /** Not there, or null. */
  get isMissing(): boolean {
    return this.value === undefined || this.value === null;
  }

  get isRecord(): boolean {
    return typeof this.value === 'object' && this.value !== null && !Array.isArray(this.value);
  }

  get isList(): boolean {
    return Array.isArray(this.value);
  }

  /** A field of a record; a missing one is a part too, so that its guard names it. */
  at(key: string): JsonNode {
    if (!this.isRecord) throw this.createError('a record');
    const record = this.value as { readonly [key: string]: unknown };
    return new JsonNode(
      Object.hasOwn(record, key) ? record[key] : undefined,
      `${this.path}${this.separator}${key}`,
    );
  }

  /** The first of these fields that is there, else the first name. Keras 2 and 3 call some things differently. */
  atAny(...keys: readonly [string, ...string[]]): JsonNode {
    return this.at(keys.find((key) => !this.at(key).isMissing) ?? keys[0]);
  }

  /** Fields of a record by name. */
  entries(): [string, JsonNode][] {
    if (!this.isRecord) throw this.createError('a record');
    return Object.keys(this.value as object).map((key) => [key, this.at(key)]);
  }

  items(): JsonNode[] {
    if (!Array.isArray(this.value)) throw this.createError('a list');
    return this.value.map((item, i) => new JsonNode(item, `${this.path}[${i}]`));
  }

  asText(otherwise?: string): string {
    if (this.isMissing && otherwise !== undefined) return otherwise;
    if (typeof this.value !== 'string') throw this.createError('text');
    return this.value;
  }

  asBoolean(otherwise?: boolean): boolean {
    if (this.isMissing && otherwise !== undefined) return otherwise;
    if (typeof this.value !== 'boolean') throw this.createError('true or false');
    return this.value;
  }

  asNumber(otherwise?: number): number {
    if (this.isMissing && otherwise !== undefined) return otherwise;
    // Keras 2 wraps the numbers that numpy made.
    if (this.isRecord && typeof this.at('value').value === 'number') return this.at('value').asNumber();
    if (typeof this.value !== 'number' || !Number.isFinite(this.value)) throw this.createError('a number');
    return this.value;
  }

  /** A whole number of at least `least`. */
  asInteger(least = 1, otherwise?: number): number {
    if (this.isMissing && otherwise !== undefined) return otherwise;
    const { value } = this;
    if (!Number.isSafeInteger(value) || (value as number) < least)
      throw this.createError(`a whole number of at least ${least}`);
    return value as number;
  }

  /** Two whole numbers of at least `least`; one stands for both. */
  asIntegerPair(least = 1, otherwise?: number): [number, number] {
    if (!this.isList) {
      const both = this.asInteger(least, otherwise);
      return [both, both];
    }
    const items = this.items();
    if (items.length !== 2) throw this.createError('two whole numbers');
    return [items[0]!.asInteger(least), items[1]!.asInteger(least)];
  }

  /** One of these words. */
  asOneOf<const W extends string>(words: readonly W[], otherwise?: W): W {
    if (this.isMissing && otherwise !== undefined) return otherwise;
    const found = words.find((word) => word === this.value);
    if (found === undefined) throw this.createError(words.map((word) => `"${word}"`).join(' or '));
    return found;
  }
}

/** How deep brackets nest in JSON text; strings do not count. */
function measureDepth(text: string): number {
  let depth = 0;
  let deepest = 0;
  let quoted = false;
  for (let i = 0; i < text.length; i++) {
    const letter = text[i];
    if (quoted) {
      if (letter === '\\') i++;
      else if (letter === '"') quoted = false;
    } else if (letter === '"') quoted = true;
    else if (letter === '{' || letter === '[') deepest = Math.max(deepest, ++depth);
    else if (letter === '}' || letter === ']') depth--;
  }
  return deepest;
}
