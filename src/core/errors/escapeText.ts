/** Letters of the control characters that have an escape sequence of their own. */
const SHORT_ESCAPES: { readonly [character: string]: string } = { '\n': '\\n', '\r': '\\r', '\t': '\\t' };

/**
 * Control characters (C0, DEL, C1), line separators, and invisible characters that change the order of the text around them. Surrogates
 * without their other half are invalid text.
 */
const UNSAFE_CHARACTERS =
  // biome-ignore lint/suspicious/noControlCharactersInRegex: the expression searches for control characters
  /[\u0000-\u001f\u007f-\u009f\u061c\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff\ufff9-\ufffb]|[\ud800-\udbff](?![\udc00-\udfff])|(?<![\ud800-\udbff])[\udc00-\udfff]/g;

/**
 * Escapes the characters of untrusted text that could control a terminal, forge a line of a log, or deceive a reader: an escape character
 * becomes the text `\u001b`. Every text that is printed or thrown passes through this function or {@link escapeLines}.
 */
export const escapeText = (text: string): string =>
  text.replace(
    UNSAFE_CHARACTERS,
    (character) => SHORT_ESCAPES[character] ?? `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );

/**
 * Converts a value to JSON in which the characters that {@link escapeText} escapes have escape sequences. `JSON.parse` restores them, and a
 * person who opens the file cannot be deceived by them.
 */
export const stringifySafely = (value: unknown): string =>
  JSON.stringify(value).replace(
    UNSAFE_CHARACTERS,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );

/** Escapes every line of a text like {@link escapeText}, and keeps its line breaks. */
export const escapeLines = (text: string): string => text.split('\n').map(escapeText).join('\n');
