import type { ReportFigure } from '../charts/chart.js';
import type { Html } from './html.js';

/** A part of the page, and the figures that are in it. */
export interface Section {
  readonly html: Html;
  readonly figures: readonly ReportFigure[];
}
