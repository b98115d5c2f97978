import type { PlotOptions } from '@observablehq/plot';
import { escapeXml, FONT_FAMILY, roundSvgNumbers, TEXT_COLOR } from '../text/svgText.js';
import { formatTick } from '../text/tickFormat.js';
import type { ChartTools } from './chartTools.js';

/**
 * A figure of a report.
 *
 * @category Figures
 */
export interface ReportFigure {
  /** Name of the figure and of its files, for example `age-errors`. */
  readonly name: string;
  /** Title of the figure, without line breaks. */
  readonly title: string;
  /** Explanation that is printed below the title. */
  readonly note?: string;
  /** The figure as a complete SVG document. */
  readonly svg: string;
}

/**
 * Colors of series, chosen so that readers with color blindness can distinguish them, on a screen and on paper. With simulated
 * deuteranopia and protanopia (G. M. Machado et al., 2009), the CIELAB distance between any two colors is at least 22. The
 * contrast ratio of each color with white is at least 3.
 */
export const SERIES_COLORS = ['#4269d0', '#e8590c', '#1f2328', '#2a9bd4', '#b0578d'] as const;
export const BLUE = SERIES_COLORS[0];
export const ORANGE = SERIES_COLORS[1];

/** Default width of a figure in pixels. */
export const CHART_WIDTH = 420;
/** Default height of a figure in pixels. */
export const CHART_HEIGHT = 300;

/**
 * Returns the Plot module with its full types. The public type {@link ChartTools} does not refer to `@observablehq/plot`, because this
 * package is optional. If the package is not installed, a program that checks the types of its libraries would not compile.
 */
export const getPlot = ({ Plot }: ChartTools) => Plot as unknown as typeof import('@observablehq/plot');

/**
 * Draws a figure with Plot in the style of the report, with margins for the axes, a white background, and the font that this
 * package contains.
 */
export function drawChart(
  { name, title, note }: Omit<ReportFigure, 'svg'>,
  tools: ChartTools,
  options: PlotOptions,
): ReportFigure {
  const { width = CHART_WIDTH, height = CHART_HEIGHT } = options;
  const plot = getPlot(tools).plot({
    document: tools.document,
    marginLeft: 58,
    marginRight: 18,
    marginTop: 26,
    marginBottom: 42,
    ...options,
    width,
    height,
    style: { fontFamily: FONT_FAMILY, fontSize: '12px', color: TEXT_COLOR, background: 'none' },
    x: { labelAnchor: 'center', labelArrow: 'none', tickFormat: formatTick, ...options.x },
    y: { labelArrow: 'none', tickFormat: formatTick, ...options.y },
    color: { type: 'identity', ...options.color },
  });
  return {
    name,
    title,
    ...(note !== undefined && { note }),
    svg: toSvgDocument(roundSvgNumbers(plot.outerHTML), title, { width, height }),
  };
}

/** Converts the SVG element of a plot to a document with a title and a white background. */
export const toSvgDocument = (
  svg: string,
  title: string,
  { width, height }: { readonly width: number; readonly height: number },
): string =>
  svg
    .replace(/^<svg /, `<svg xmlns="http://www.w3.org/2000/svg" role="img" `)
    .replace(
      /^(<svg [^>]*>)/,
      `$1<title>${escapeXml(title)}</title><rect width="${width}" height="${height}" fill="white"/>`,
    );

/** Computes the left margin in pixels for the labels of an axis. A character is about 6.6 pixels wide. */
export const computeLabelMargin = (labels: readonly string[]) =>
  Math.round(24 + 6.6 * Math.max(4, ...labels.map((label) => Array.from(label).length)));

/** Formats a tick on an axis of counts. Ticks that are not integers have no label. */
export const formatIntegerTick = (value: number) =>
  Number.isInteger(value) ? value.toLocaleString('en-US') : '';
