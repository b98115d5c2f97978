/**
 * Replaces every sequence of characters other than letters, digits, `_` and `-` with `replacement`, so that the result is a valid file
 * name.
 */
export const toFileName = (text: string, replacement: '_' | '-'): string =>
  text.replaceAll(/[^\p{L}\p{N}_-]+/gu, replacement);
