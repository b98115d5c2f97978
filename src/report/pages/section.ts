import type { ReportFigure } from '../charts/chart.js';
import type { Html } from './html.js';

/** Section of a report page, together with its figures. */
export interface Section {
  readonly html: Html;
  readonly figures: readonly ReportFigure[];
}
