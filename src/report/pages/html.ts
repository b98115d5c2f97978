import type { ReportFigure } from '../charts/chart.js';
import { truncateMiddle } from '../text/format.js';
import { escapeXml } from '../text/svgText.js';

/** HTML that is safe as it is. Text of anybody becomes part of it by {@link html} alone. */
export interface Html {
  readonly html: string;
}

type HtmlValue = Html | string | number | undefined | false | readonly Html[];

/** A template whose texts are escaped, and whose HTML stays HTML. */
export function html(strings: TemplateStringsArray, ...parts: readonly HtmlValue[]): Html {
  const say = (part: HtmlValue): string => {
    if (part === undefined || part === false) return '';
    if (typeof part === 'string' || typeof part === 'number') return escapeXml(String(part));
    return 'html' in part ? part.html : part.map(say).join('\n');
  };
  return { html: strings.reduce((text, next, i) => text + say(parts[i - 1]) + next) };
}

/** Figures, and tables among them, side by side where there is room. */
export const renderFigureGrid = (cells: readonly Html[]): Html => html`<div class="figures">${cells}</div>`;

/** Figures side by side where there is room. */
export const renderFigures = (list: readonly ReportFigure[]): Html =>
  renderFigureGrid(renderFigureCells(list));

/** Each figure with its title and its note. */
export const renderFigureCells = (list: readonly ReportFigure[]): Html[] =>
  list.map(
    ({
      name,
      title,
      note,
      svg,
    }) => html`<figure data-figure="${name}"><figcaption><b>${title}</b>${note && html`<span>${note}</span>`}</figcaption>
<div class="scroll" tabindex="0" role="group" aria-label="${title}">${toInlineSvg(svg)}</div></figure>`,
  );

/** A figure that takes the whole width, and scrolls where even that is little. */
export const renderWideFigure = (drawn: ReportFigure): Html =>
  html`<div class="figures wide" style="--natural: ${readSvgWidth(drawn.svg)}">${renderFigureCells([drawn])}</div>`;

/** How wide a figure is when its text is as large as the page's: a page shrinks it to six tenths, then it scrolls. */
function readSvgWidth(svg: string): string {
  const [, width, unit = 'px'] = /^<svg [^>]*\bwidth="([\d.]+)(pt)?"/.exec(svg) ?? [];
  return width === undefined ? '100%' : `${width}${unit}`;
}

/**
 * A figure inside a page: without ids, of which a page may have each once, and without the names of its parts, which a screen
 * reader would say one by one.
 */
const toInlineSvg = (svg: string): Html => ({
  html: svg.replace(/<(?!title)[^>]*>/g, (tag) => tag.replace(/ (?:id|aria-\w+|xmlns:xlink)="[^"]*"/g, '')),
});

/** A table that scrolls where it does not fit. The first cell of a row is its head; numbers stand at the right, words at the left. */
export function renderTable(
  caption: string,
  heads: readonly string[],
  rows: readonly (readonly string[])[],
  cells: 'numbers' | 'words' = 'numbers',
): Html {
  return html`<div class="scroll" tabindex="0" role="group" aria-label="${caption}"><table class="${cells}"><caption>${caption}</caption><thead><tr>${heads.map((head) => html`<th scope="col">${head}</th>`)}</tr></thead>
<tbody>${rows.map(([first = '', ...others]) => html`<tr><th scope="row">${truncateMiddle(first, 60)}</th>${others.map((cell) => html`<td>${renderCell(cell)}</td>`)}</tr>`)}</tbody></table></div>`;
}

/** A value and its interval, which goes below it where there is little room. */
function renderCell(cell: string): Html | string {
  const at = cell.indexOf(' (');
  return at < 0 ? cell : html`${cell.slice(0, at)} <span class="interval">${cell.slice(at + 1)}</span>`;
}

/** Names and what they are. */
export const renderDefinitionList = (list: readonly (readonly [name: string, value: string])[]): Html =>
  html`<dl>${list.map(([name, value]) => html`<div><dt>${name}</dt><dd>${value}</dd></div>`)}</dl>`;

const IMAGE_SIGNATURES: readonly (readonly [start: readonly number[], type: string])[] = [
  [[0xff, 0xd8, 0xff], 'jpeg'],
  [[0x89, 0x50, 0x4e, 0x47], 'png'],
  [[0x52, 0x49, 0x46, 0x46], 'webp'],
];

/** A picture inside the page, if its first bytes are those of one. */
export function renderImage(bytes: Uint8Array | undefined, alt: string): Html | undefined {
  const type = bytes && IMAGE_SIGNATURES.find(([start]) => start.every((byte, i) => bytes[i] === byte))?.[1];
  if (!type) return undefined;
  return html`<img src="${toDataUrl(`image/${type}`, bytes)}" alt="${alt}">`;
}

/** A file as an address that is the file. */
export function toDataUrl(type: string, bytes: Uint8Array): string {
  let text = '';
  for (const byte of bytes) text += String.fromCharCode(byte);
  return `data:${type};base64,${btoa(text)}`;
}
