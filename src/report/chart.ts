import type { PlotOptions } from '@observablehq/plot';
import { type ChartTools, escaped, FONT, INK, roundedSvg } from './tools.js';

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

/** What tells series apart, also for the colour-blind and on paper: blue, orange, then Okabe and Ito's (2008). */
export const COLOURS = ['#4269d0', '#e8590c', '#00785a', '#b0578d', '#2b9fd9', '#7a5c00', '#1f2328'] as const;
export const BLUE = COLOURS[0];
export const ORANGE = COLOURS[1];

/** Pixels of a figure, without its title. */
export const WIDTH = 420;
export const HEIGHT = 300;

/** A figure drawn by Plot in the house's look: 420 wide, room for axes, white, text in the package's font. */
export function chart(
  { name, title, note }: Omit<ReportFigure, 'svg'>,
  { Plot, document }: ChartTools,
  options: PlotOptions,
): ReportFigure {
  const { width = WIDTH, height = HEIGHT } = options;
  const drawn = Plot.plot({
    document,
    marginLeft: 58,
    marginRight: 18,
    marginTop: 26,
    marginBottom: 42,
    ...options,
    width,
    height,
    style: { fontFamily: FONT, fontSize: '12px', color: INK, background: 'none' },
    x: { labelAnchor: 'center', labelArrow: 'none', ...options.x },
    y: { labelArrow: 'none', ...options.y },
    color: { type: 'identity', ...options.color },
  });
  return {
    name,
    title,
    ...(note !== undefined && { note }),
    svg: framed(roundedSvg(drawn.outerHTML), title, { width, height }),
  };
}

/** What Plot drew, as a document of its own: with a title, white behind it, text in the house's font. */
export const framed = (
  svg: string,
  title: string,
  { width, height }: { readonly width: number; readonly height: number },
): string =>
  svg
    .replace(/^<svg /, `<svg xmlns="http://www.w3.org/2000/svg" role="img" `)
    .replace(
      /^(<svg [^>]*>)/,
      `$1<title>${escaped(title)}</title><rect width="${width}" height="${height}" fill="white"/>`,
    );

/** Room at the left for names: a character is about 6.6 pixels wide. */
export const roomFor = (names: readonly string[]) =>
  Math.round(24 + 6.6 * Math.max(4, ...names.map((name) => Array.from(name).length)));

/** Ticks of counts are whole numbers. */
export const wholeTick = (value: number) => (Number.isInteger(value) ? value.toLocaleString('en-US') : '');

/** Ticks of shares. */
export const shareTick = (value: number) => `${Math.round(value * 100)} %`;
