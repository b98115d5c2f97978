/**
 * Packages that draw charts. The caller provides them, so that the same code runs in Node and in a page.
 *
 * @category Figures
 */
export interface ChartTools {
  /** Module `@observablehq/plot`. */
  readonly Plot: typeof import('@observablehq/plot');
  /** Document of the page, or a document that linkedom or jsdom created. */
  readonly document: Document;
}

/**
 * Graphviz, as the module `@hpcc-js/wasm-graphviz` provides it.
 *
 * @category Figures
 */
export interface GraphvizTool {
  /** Lays out a graph in the DOT language and returns SVG. */
  dot(source: string): string;
}

/**
 * Packages and fonts that draw a report.
 *
 * @category Figures
 */
export interface ReportTools extends ChartTools {
  /** Graphviz, for the architecture diagram. */
  readonly graphviz: GraphvizTool;
  /**
   * OpenType files of the font Inter. The page contains them, so that it looks the same on every machine. Default: no fonts; the
   * page uses a font of the reader's machine.
   */
  readonly fonts?: {
    /** Font file of weight 400. */
    readonly regular: Uint8Array;
    /** Font file of weight 600. */
    readonly semiBold: Uint8Array;
  };
}
