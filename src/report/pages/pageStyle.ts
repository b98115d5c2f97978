import type { ReportTools } from '../charts/chartTools.js';
import { toDataUrl } from './html.js';

/** Returns the style sheet of the page. The fonts are embedded in the style sheet, because the page must not request files. */
export function createPageStyle({ fonts }: Pick<ReportTools, 'fonts'>): string {
  const createFontFace = (weight: number, bytes: Uint8Array) =>
    `@font-face { font-family: Inter; font-weight: ${weight}; src: url(${toDataUrl('font/otf', bytes)}); }\n`;
  return `${fonts ? createFontFace(400, fonts.regular) + createFontFace(600, fonts.semiBold) : ''}${PAGE_CSS}`;
}

/** Style sheet with one column of text, figures side by side on a wide screen, and rules for printing. */
const PAGE_CSS = `
:root { color-scheme: light; --ink: #1f2328; --faint: #59636e; --line: #d0d7de; --wash: #f6f8fa; }
* { box-sizing: border-box; }
body { margin: 0; background: white; color: var(--ink); font: 15px/1.5 Inter, system-ui, sans-serif; }
main, body > header, body > footer { max-width: 940px; margin: 0 auto; padding: 0 16px; }
body > header { padding-top: 28px; }
h1 { font-size: 28px; line-height: 1.2; margin: 0 0 6px; overflow-wrap: anywhere; }
h2 { font-size: 21px; margin: 44px 0 10px; padding-top: 10px; border-top: 1px solid var(--line); overflow-wrap: anywhere; }
h3 { font-size: 16px; margin: 26px 0 8px; overflow-wrap: anywhere; }
p { margin: 8px 0; max-width: 70ch; overflow-wrap: anywhere; }
.lead { color: var(--faint); font-size: 16px; }
.remark { border-left: 3px solid #e8590c; padding: 4px 12px; background: var(--wash); }
nav { margin: 14px 0; font-size: 14px; display: flex; flex-wrap: wrap; gap: 4px 16px; }
a { color: #0b57b7; overflow-wrap: anywhere; }
.figures { margin: 12px 0 20px; display: grid; grid-template-columns: repeat(auto-fit, minmax(min(100%, 420px), 1fr)); gap: 20px; align-items: start; }
figure { margin: 0; min-width: 0; break-inside: avoid; }
figcaption { font-size: 14px; margin-bottom: 4px; overflow-wrap: anywhere; }
figcaption span { display: block; color: var(--faint); font-size: 13px; max-width: 56ch; }
.whole { grid-column: 1 / -1; min-width: 0; }
.scroll { overflow-x: auto; min-width: 0; }
.scroll:focus-visible { outline: 2px solid #0b57b7; }
.figures svg { display: block; max-width: 100%; height: auto; }
.figures.wide { grid-template-columns: minmax(0, 1fr); }
.wide svg { min-width: min(var(--natural), max(100%, calc(0.6 * var(--natural)))); }
table { border-collapse: collapse; font-size: 14px; font-variant-numeric: tabular-nums; margin: 6px 0; min-width: min(100%, 340px); }
caption { text-align: left; color: var(--faint); font-size: 13px; padding-bottom: 4px; }
th, td { padding: 4px 0 4px 14px; border-bottom: 1px solid var(--line); text-align: right; vertical-align: top; }
thead th, .interval { white-space: nowrap; }
.interval { color: var(--faint); }
.figures table { font-size: 13px; }
.figures th, .figures td { padding-left: 10px; }
.figures th:first-child { padding-left: 0; }
@media (max-width: 700px), print { .interval { display: block; font-size: 12px; } .figures thead th { white-space: normal; } }
th:first-child { padding-left: 0; text-align: left; white-space: normal; min-width: 84px; max-width: 280px; overflow-wrap: anywhere; font-weight: 500; }
.words th, .words td { text-align: left; }
.words td:last-child { overflow-wrap: anywhere; }
thead th { color: var(--faint); font-weight: 500; }
dl { margin: 8px 0; font-size: 14px; columns: 2 380px; column-gap: 32px; }
dl div { display: flex; gap: 12px; padding: 3px 0; border-bottom: 1px solid var(--line); break-inside: avoid; }
dt { color: var(--faint); flex: 0 0 130px; overflow-wrap: anywhere; }
dd { margin: 0; overflow-wrap: anywhere; min-width: 0; }
.legend { max-width: none; display: flex; flex-wrap: wrap; gap: 4px 18px; font-size: 13px; margin: 4px 0 10px; }
.legend span { display: inline-flex; align-items: center; gap: 6px; overflow-wrap: anywhere; }
.pictures { display: grid; grid-template-columns: repeat(auto-fill, minmax(104px, 1fr)); gap: 12px; padding: 0; margin: 8px 0; list-style: none; }
.pictures li { font-size: 12px; line-height: 1.35; min-width: 0; break-inside: avoid; }
.pictures img, .rows img { width: 100%; max-width: 120px; aspect-ratio: 1; object-fit: contain; image-rendering: auto; display: block; background: var(--wash); }
.pictures small { display: block; color: var(--faint); font-size: 11px; overflow-wrap: anywhere; }
.rows { display: grid; gap: 6px; }
.rows div { display: grid; grid-template-columns: repeat(6, minmax(0, 96px)); gap: 6px; }
body > footer { color: var(--faint); font-size: 13px; margin-top: 48px; padding-bottom: 32px; }
@media print {
  @page { margin: 14mm; }
  body { font-size: 10pt; }
  nav { display: none; }
  main, body > header, body > footer { max-width: none; padding: 0; }
  h2, h3, h2 + p, h3 + p, .legend { break-after: avoid; }
  p, dl { break-inside: avoid; }
  .scroll { overflow: visible; }
  .figures td, .trials thead th, .trials td { white-space: normal; }
  .trials table { font-size: 8pt; min-width: 0; width: 100%; }
  .trials th:not(:first-child), .trials td { padding-left: 5px; }
  .trials .numbers thead th { overflow-wrap: anywhere; }
  .trials th:first-child { min-width: 0; overflow-wrap: normal; }
  .trials.many table { font-size: 6.5pt; }
  .trials.many td { overflow-wrap: anywhere; }
  .figures th:not(:first-child), .figures td { padding-left: 6px; }
  .figures table { font-size: 9pt; min-width: 0; }
  .wide svg { min-width: 0; max-width: 100%; height: auto; max-height: 240mm; }
  .figures { grid-template-columns: minmax(0, 1fr) minmax(0, 1fr); }
  .figures th:first-child { min-width: 0; }
  .figures.wide { grid-template-columns: 1fr; }
}
`;
