import type { ReportTools } from '../charts/chartTools.js';
import { type Html, html } from './html.js';
import { createPageStyle } from './pageStyle.js';

/** Contents of an HTML document. */
export interface DocumentParts {
  readonly title: string;
  /** Links that are shown below the title. */
  readonly links?: Html | undefined;
  readonly main: Html;
  /** Version of the library, for the footer. */
  readonly version?: string | undefined;
  /** Interval in seconds at which the browser reloads the page. Default: no reload. */
  readonly refresh?: number | undefined;
}

/** Renders an HTML document. Its content security policy forbids scripts and all requests. */
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
