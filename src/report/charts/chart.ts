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
  /** Names its files: `age-errors`. */
  readonly name: string;
  /** What it shows, one line. */
  readonly title: string;
  /** What a reader must know to read it. */
  readonly note?: string;
  /** A document of its own. */
  readonly svg: string;
}

/**
 * What tells series apart, on paper and for the colour-blind too: of any two the distance in CIELAB is 22 or more, as seen with
 * deuteranopia and with protanopia (G. M. Machado and others 2009), and each has a contrast of 3 or more on white.
 */
export const SERIES_COLORS = ['#4269d0', '#e8590c', '#1f2328', '#2a9bd4', '#b0578d'] as const;
export const BLUE = SERIES_COLORS[0];
export const ORANGE = SERIES_COLORS[1];

/** Pixels of a figure, without its title. */
export const CHART_WIDTH = 420;
export const CHART_HEIGHT = 300;

/** A figure drawn by Plot in the house's look: 420 wide, room for axes, white, text in the package's font. */
export function drawChart(
  { name, title, note }: Omit<ReportFigure, 'svg'>,
  { Plot, document }: ChartTools,
  options: PlotOptions,
): ReportFigure {
  const { width = CHART_WIDTH, height = CHART_HEIGHT } = options;
  const drawn = Plot.plot({
    document,
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
    svg: toSvgDocument(roundSvgNumbers(drawn.outerHTML), title, { width, height }),
  };
}

/** What Plot drew, as a document of its own: with a title, white behind it, text in the house's font. */
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

/** Room at the left for names: a character is about 6.6 pixels wide. */
export const computeLabelMargin = (names: readonly string[]) =>
  Math.round(24 + 6.6 * Math.max(4, ...names.map((name) => Array.from(name).length)));

/** Ticks of counts are whole numbers. */
export const formatIntegerTick = (value: number) =>
  Number.isInteger(value) ? value.toLocaleString('en-US') : '';
