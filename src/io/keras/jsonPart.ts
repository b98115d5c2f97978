import { fault, show } from '../../core/errors.js';

/** Nested models take four levels each; what is nested deeper was made to exhaust the stack. */
const DEEPEST = 200;

const ADVICE = 'Save the model anew with Keras.';

/**
 * A part of a file's JSON and where it stands, read by guards: nothing in it is trusted to have any type. Errors name
 * the file and the place: `face.keras: config.json: layers[3].config.filters`.
 */
export class JsonPart {
  constructor(
    readonly value: unknown,
    /** For errors. */
    readonly path: string,
    /** Between the path and the name of a field: the file's name is followed by `: `. */
    private readonly joint: '.' | ': ' = '.',
  ) {}

  /** JSON text as a part. Throws a `file` fault for other text, and for one nested deeper than any model is. */
  static parse(text: string, path: string): JsonPart {
    const wrong = (expected: string, received: string, cause?: unknown) =>
      fault({ kind: 'file', path, expected, received, advice: ADVICE, cause });
    if (depthOf(text) > DEEPEST) throw wrong(`JSON of at most ${DEEPEST} levels`, 'deeper nesting');
    try {
      return new JsonPart(JSON.parse(text), path, ': ');
    } catch (cause) {
      throw wrong('JSON', (cause as Error).message, cause);
    }
  }

  /** A field whose own fields are named as if they stood here: every place in a model is in its `config`. */
  within(key: string): JsonPart {
    return new JsonPart(this.at(key).value, this.path, this.joint);
  }

  /** Something that the file says without words, read as if it stood here. */
  beside(value: unknown): JsonPart {
    return new JsonPart(value, this.path);
  }

  /** A `file` fault about this part. */
  wrong(expected: string, received: string = show(this.value), advice: string = ADVICE): Error {
    return fault({ kind: 'file', path: this.path, expected, received, advice });
  }

  /** Not there, or null. */
  get missing(): boolean {
    return this.value === undefined || this.value === null;
  }

  get isRecord(): boolean {
    return typeof this.value === 'object' && this.value !== null && !Array.isArray(this.value);
  }

  get isList(): boolean {
    return Array.isArray(this.value);
  }

  /** A field of a record; a missing one is a part too, so that its guard names it. */
  at(key: string): JsonPart {
    if (!this.isRecord) throw this.wrong('a record');
    const record = this.value as { readonly [key: string]: unknown };
    return new JsonPart(
      Object.hasOwn(record, key) ? record[key] : undefined,
      `${this.path}${this.joint}${key}`,
    );
  }

  /** The first of these fields that is there, else the first name. Keras 2 and 3 call some things differently. */
  either(...keys: readonly [string, ...string[]]): JsonPart {
    return this.at(keys.find((key) => !this.at(key).missing) ?? keys[0]);
  }

  /** Fields of a record by name. */
  entries(): [string, JsonPart][] {
    if (!this.isRecord) throw this.wrong('a record');
    return Object.keys(this.value as object).map((key) => [key, this.at(key)]);
  }

  items(): JsonPart[] {
    if (!Array.isArray(this.value)) throw this.wrong('a list');
    return this.value.map((item, i) => new JsonPart(item, `${this.path}[${i}]`));
  }

  text(otherwise?: string): string {
    if (this.missing && otherwise !== undefined) return otherwise;
    if (typeof this.value !== 'string') throw this.wrong('text');
    return this.value;
  }

  flag(otherwise?: boolean): boolean {
    if (this.missing && otherwise !== undefined) return otherwise;
    if (typeof this.value !== 'boolean') throw this.wrong('true or false');
    return this.value;
  }

  number(otherwise?: number): number {
    if (this.missing && otherwise !== undefined) return otherwise;
    // Keras 2 wraps the numbers that numpy made.
    if (this.isRecord && typeof this.at('value').value === 'number') return this.at('value').number();
    if (typeof this.value !== 'number' || !Number.isFinite(this.value)) throw this.wrong('a number');
    return this.value;
  }

  /** A whole number of at least `least`. */
  count(least = 1, otherwise?: number): number {
    if (this.missing && otherwise !== undefined) return otherwise;
    const { value } = this;
    if (!Number.isSafeInteger(value) || (value as number) < least)
      throw this.wrong(`a whole number of at least ${least}`);
    return value as number;
  }

  /** Two whole numbers of at least `least`; one stands for both. */
  pair(least = 1, otherwise?: number): [number, number] {
    if (!this.isList) {
      const both = this.count(least, otherwise);
      return [both, both];
    }
    const items = this.items();
    if (items.length !== 2) throw this.wrong('two whole numbers');
    return [items[0]!.count(least), items[1]!.count(least)];
  }

  /** One of these words. */
  oneOf<const W extends string>(words: readonly W[], otherwise?: W): W {
    if (this.missing && otherwise !== undefined) return otherwise;
    const found = words.find((word) => word === this.value);
    if (found === undefined) throw this.wrong(words.map((word) => `"${word}"`).join(' or '));
    return found;
  }
}

/** How deep brackets nest in JSON text; strings do not count. */
function depthOf(text: string): number {
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
