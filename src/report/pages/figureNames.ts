import type { ReportFigure } from '../charts/chart.js';
import { truncateMiddle } from '../text/format.js';

/** Names that files can have, each once: of 50 signs, since a disk takes 255 bytes and a sign may be four. */
export function assignUniqueNames(list: readonly ReportFigure[]): ReportFigure[] {
  const taken = new Set<string>();
  return list.map((one) => {
    const plain = truncateMiddle(one.name.replaceAll(/[^\p{L}\p{N}_-]+/gu, '_'), 50);
    let name = plain;
    for (let i = 2; taken.has(name.toLowerCase()); i++) name = `${plain}-${i}`;
    taken.add(name.toLowerCase());
    return { ...one, name };
  });
}
