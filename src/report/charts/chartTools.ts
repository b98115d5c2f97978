/**
 * The `@observablehq/plot` module. The type contains only one function of the module, so that programs compile even if the
 * package is not installed.
 *
 * @category Figures
 */
export interface PlotModule {
  /** Draws a plot as an SVG element. */
  plot(options?: object): Element;
}

/**
 * Packages that draw charts. The caller passes them, so that the same code runs in Node and in a page.
 *
 * @category Figures
 */
export interface ChartTools {
  /** The `@observablehq/plot` module. */
  readonly Plot: PlotModule;
  /** Document of the page, or a document that linkedom or jsdom created. */
  readonly document: Document;
}

/**
 * Graphviz, as provided by the `@hpcc-js/wasm-graphviz` module.
 *
 * @category Figures
 */
export interface GraphvizTool {
  /** Lays out a graph in the DOT language and returns SVG. */
  dot(source: string): string;
}

/**
 * Packages and fonts that are needed to draw a report.
 *
 * @category Figures
 */
export interface ReportTools extends ChartTools {
  /** Graphviz, for the architecture diagram. */
  readonly graphviz: GraphvizTool;
  /**
   * OpenType files of the Inter font. They are embedded in the page, so that the page looks the same on every machine.
   * Default: no fonts; the page uses a font that is installed on the reader's machine.
   */
  readonly fonts?: {
    /** Font file for weight 400. */
    readonly regular: Uint8Array;
    /** Font file for weight 600. */
    readonly semiBold: Uint8Array;
  };
}
