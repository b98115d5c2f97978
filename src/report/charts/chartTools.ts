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

/**
 * What a whole report is drawn with.
 *
 * @category Figures
 */
export interface ReportTools extends ChartTools {
  /** For the architecture. */
  readonly graphviz: GraphvizTool;
  /**
   * Files of Inter, OpenType, that the page carries, so that it looks the same everywhere. Default: without, text is set in what
   * the reader's machine has.
   */
  readonly fonts?: {
    /** Weight 400. */
    readonly regular: Uint8Array;
    /** Weight 600. */
    readonly semiBold: Uint8Array;
  };
}
