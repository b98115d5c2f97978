import type { ReportTools } from '../charts/chartTools.js';
import { type Html, html } from './html.js';
import { createPageStyle } from './pageStyle.js';

/** What a page says. */
export interface DocumentParts {
  readonly title: string;
  /** Below the title. */
  readonly links?: Html | undefined;
  readonly main: Html;
  /** Of the library, for the last line. */
  readonly version?: string | undefined;
  /** Seconds after which a browser reads it again. */
  readonly refresh?: number | undefined;
}

/** A document that needs nothing else, and forbids itself scripts and every request. */
export function renderDocument(
  { title, links, main, version, refresh }: DocumentParts,
  tools: Pick<ReportTools, 'fonts'>,
): string {
  return html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="content-security-policy" content="default-src 'none'; img-src data:; font-src data:; style-src 'unsafe-inline'">
<meta name="referrer" content="no-referrer">
${refresh !== undefined && html`<meta http-equiv="refresh" content="${refresh}">`}
<title>${title}</title>
<style>${{ html: createPageStyle(tools) }}</style>
</head>
<body>
<header><h1>${title}</h1>
${links}</header>
<main>
${main}
</main>
<footer>Made by tfjs-multitask${version && ` ${version}`}.</footer>
</body>
</html>
`.html;
}
