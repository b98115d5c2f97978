/** What text in figures is set in; the package carries Inter for PNG files. */
export const FONT_FAMILY = 'Inter, system-ui, sans-serif';

/** Text and axes. */
export const TEXT_COLOR = '#1f2328';
/** Notes beside them. */
export const MUTED_COLOR = '#59636e';

/** What no XML may hold: control characters, halves of a pair, and what turns the direction of the text around it. */
const FORBIDDEN_CHARACTERS =
  // biome-ignore lint/suspicious/noControlCharactersInRegex: these are what is looked for
  /[\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f-\u009f\u200e\u200f\u202a-\u202e\u2066-\u2069\ufffe\uffff]|[\ud800-\udbff](?![\udc00-\udfff])|(?<![\ud800-\udbff])[\udc00-\udfff]/g;

/** Text of anybody, without what a file of SVG or HTML cannot hold or a reader would be deceived by. */
export const sanitizeText = (text: string) => text.replace(FORBIDDEN_CHARACTERS, '\ufffd');

/** Text as it may stand between tags or in an attribute. */
export function escapeXml(text: string): string {
  const codes: Record<string, string> = {
    '&': '&amp;',
    '<': '&lt;',
    '>': '&gt;',
    '"': '&quot;',
    "'": '&#39;',
  };
  return sanitizeText(text).replace(/[&<>"']/g, (sign) => codes[sign]!);
}

/** Numbers in the tags of an SVG, two digits behind the point: a hundredth of a pixel, and the same on every machine. */
export const roundSvgNumbers = (svg: string) =>
  svg.replace(/<[^>]*>/g, (tag) =>
    tag.replace(/-?\d+\.\d{3,}(?:e-?\d+)?/g, (number) => String(Number(Number(number).toFixed(2)))),
  );
