/**
 * What charts are drawn with; the caller brings them, so that the same code draws in Node and in a page.
 *
 * @category Figures
 */
export interface ChartTools {
  /** `@observablehq/plot`. */
  readonly Plot: typeof import('@observablehq/plot');
  /** The page's document, or one made by linkedom or jsdom. */
  readonly document: Document;
}

/**
 * The one method of `@hpcc-js/wasm-graphviz` that a diagram needs.
 *
 * @category Figures
 */
export interface GraphvizTool {
  /** Lays out a graph in the DOT language and returns SVG. */
  dot(source: string): string;
}

/** What text in figures is set in; the package carries Inter for PNG files. */
export const FONT = 'Inter, system-ui, sans-serif';

/** Text as it may stand between tags or in an attribute. */
export function escaped(text: string): string {
  const codes: Record<string, string> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;' };
  return text.replace(/[&<>"]/g, (sign) => codes[sign]!);
}
