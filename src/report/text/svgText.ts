/** Font used for text in figures. The package contains the Inter font files for PNG export. */
export const FONT_FAMILY = 'Inter, system-ui, sans-serif';

/** Color of text and axes. */
export const TEXT_COLOR = '#1f2328';
/** Color of notes and other secondary text. */
export const MUTED_COLOR = '#59636e';

/**
 * Regular expression for the characters that XML forbids (control characters and unpaired surrogates) and for the marks that
 * change the text direction.
 */
const FORBIDDEN_CHARACTERS =
  // biome-ignore lint/suspicious/noControlCharactersInRegex: the expression searches for control characters
  /[\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f-\u009f\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069\ufffe\uffff]|[\ud800-\udbff](?![\udc00-\udfff])|(?<![\ud800-\udbff])[\udc00-\udfff]/g;

/** Replaces the characters of untrusted text that are invalid in SVG or HTML, or that could deceive a reader. */
export const sanitizeText = (text: string) => text.replace(FORBIDDEN_CHARACTERS, '\ufffd');

/** Escapes text for XML or HTML, between tags or in an attribute. */
export function escapeXml(text: string): string {
  const entities: Record<string, string> = {
    '&': '&amp;',
    '<': '&lt;',
    '>': '&gt;',
    '"': '&quot;',
    "'": '&#39;',
  };
  return sanitizeText(text).replace(/[&<>"']/g, (character) => entities[character]!);
}

/** Rounds the numbers in the tags of an SVG to two decimals, so that the file is the same on every machine. */
export const roundSvgNumbers = (svg: string) =>
  svg.replace(/<[^>]*>/g, (tag) =>
    tag.replace(/-?\d+\.\d{3,}(?:e-?\d+)?/g, (number) => String(Number(Number(number).toFixed(2)))),
  );
