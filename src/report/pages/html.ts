import { detectImageFormat } from '../../core/imageFormat.js';
import type { ReportFigure } from '../charts/chart.js';
import { truncateMiddle } from '../text/format.js';
import { escapeXml } from '../text/svgText.js';

/** HTML that is safe to insert into a page. Untrusted text can be added only with {@link html}, which escapes the text. */
export interface Html {
  readonly html: string;
}

type HtmlValue = Html | string | number | undefined | false | readonly Html[];

/**
 * Template tag for HTML. It escapes strings and numbers, joins lists of HTML with line breaks, and omits `undefined` and
 * `false`.
 */
export function html(strings: TemplateStringsArray, ...values: readonly HtmlValue[]): Html {
  const toHtml = (value: HtmlValue): string => {
    if (value === undefined || value === false) return '';
    if (typeof value === 'string' || typeof value === 'number') return escapeXml(String(value));
    return 'html' in value ? value.html : value.map(toHtml).join('\n');
  };
  return { html: strings.reduce((text, next, i) => text + toHtml(values[i - 1]) + next) };
}

/** Renders figures and tables side by side if the page is wide enough. */
export const renderFigureGrid = (cells: readonly Html[]): Html => html`<div class="figures">${cells}</div>`;

/** Renders figures with their titles and notes, side by side if the page is wide enough. */
export const renderFigures = (figures: readonly ReportFigure[]): Html =>
  renderFigureGrid(renderFigureCells(figures));

/** Renders each figure with its title and its note. */
export const renderFigureCells = (figures: readonly ReportFigure[]): Html[] =>
  figures.map(
    ({
      name,
      title,
      note,
      svg,
    }) => html`<figure data-figure="${name}"><figcaption><b>${title}</b>${note && html`<span>${note}</span>`}</figcaption>
<div class="scroll" tabindex="0" role="group" aria-label="${title}">${toInlineSvg(svg)}</div></figure>`,
  );

/** Renders a figure that is as wide as the page. On a narrow page, the figure scrolls. */
export const renderWideFigure = (figure: ReportFigure): Html =>
  html`<div class="figures wide" style="--natural: ${readSvgWidth(figure.svg)}">${renderFigureCells([figure])}</div>`;

/**
 * Reads the width of an SVG figure, and returns it as a CSS length. At this width, the text of the figure is as large as the text
 * of the page. The style sheet scales a figure down to at least 60 %. On an even narrower page, the figure scrolls.
 */
function readSvgWidth(svg: string): string {
  const [, width, unit = 'px'] = /^<svg [^>]*\bwidth="([\d.]+)(pt)?"/.exec(svg) ?? [];
  return width === undefined ? '100%' : `${width}${unit}`;
}

/**
 * Prepares a figure for a page. Removes ids, which must be unique in a page, and ARIA attributes of the elements in the
 * figure, because a screen reader would read these elements one by one.
 */
const toInlineSvg = (svg: string): Html => ({
  html: svg.replace(/<(?!title)[^>]*>/g, (tag) => tag.replace(/ (?:id|aria-\w+|xmlns:xlink)="[^"]*"/g, '')),
});

/**
 * Renders a table. The table scrolls if it is wider than the page. The first cell of each row is the row header.
 *
 * @param cells - Kind of text in the cells: numbers are right-aligned, and words are left-aligned.
 */
export function renderTable(
  caption: string,
  heads: readonly string[],
  rows: readonly (readonly string[])[],
  cells: 'numbers' | 'words' = 'numbers',
): Html {
  return html`<div class="scroll" tabindex="0" role="group" aria-label="${caption}"><table class="${cells}"><caption>${caption}</caption><thead><tr>${heads.map((head) => html`<th scope="col">${head}</th>`)}</tr></thead>
<tbody>${rows.map(([first = '', ...others]) => html`<tr><th scope="row">${truncateMiddle(first, 60)}</th>${others.map((cell) => html`<td>${renderCell(cell)}</td>`)}</tr>`)}</tbody></table></div>`;
}

/** Renders the text of a table cell. On a narrow page, the confidence interval of a value is shown below the value. */
function renderCell(cell: string): Html | string {
  const intervalStart = cell.indexOf(' (');
  if (intervalStart < 0) return cell;
  return html`${cell.slice(0, intervalStart)} <span class="interval">${cell.slice(intervalStart + 1)}</span>`;
}

/** Renders a list of names and their values. */
export const renderDefinitionList = (entries: readonly (readonly [name: string, value: string])[]): Html =>
  html`<dl>${entries.map(([name, value]) => html`<div><dt>${name}</dt><dd>${value}</dd></div>`)}</dl>`;

/**
 * Renders an image that is embedded in the page. Returns undefined if `bytes` is undefined, or if the file is not a JPEG, PNG or
 * WebP image.
 */
export function renderImage(bytes: Uint8Array | undefined, alt: string): Html | undefined {
  const format = bytes && detectImageFormat(bytes);
  if (!format) return undefined;
  return html`<img src="${toDataUrl(`image/${format}`, bytes)}" alt="${alt}">`;
}

/** Encodes a file as a data URL. */
export function toDataUrl(type: string, bytes: Uint8Array): string {
  let text = '';
  for (const byte of bytes) text += String.fromCharCode(byte);
  return `data:${type};base64,${btoa(text)}`;
}
