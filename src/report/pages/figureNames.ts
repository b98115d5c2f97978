import type { ReportFigure } from '../charts/chart.js';
import { toFileName } from '../text/fileName.js';
import { truncateMiddle } from '../text/format.js';

/** Maximum number of characters in a figure name. File systems allow 255 bytes, and a character can take four bytes. */
const MAX_NAME_LENGTH = 50;

/**
 * Replaces the names of figures with unique names that are valid file names. Names that differ only in case count as equal, because
 * some file systems ignore case.
 */
export function assignUniqueNames(figures: readonly ReportFigure[]): ReportFigure[] {
  const usedNames = new Set<string>();
  return figures.map((figure) => {
    const baseName = truncateMiddle(toFileName(figure.name, '_'), MAX_NAME_LENGTH);
    let name = baseName;
    for (let i = 2; usedNames.has(name.toLowerCase()); i++) name = `${baseName}-${i}`;
    usedNames.add(name.toLowerCase());
    return { ...figure, name };
  });
}
