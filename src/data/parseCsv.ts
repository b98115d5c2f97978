import { createError } from '../core/errors/errors.js';

/** Row of a CSV file. */
export interface CsvRow {
  readonly cells: readonly string[];
  /** Line of the file on which the row begins, counted from 1. */
  readonly line: number;
}

/**
 * Splits CSV text into rows of cells (RFC 4180). A line ends with `\n`, `\r\n` or `\r`. A quotation mark that is not at the start of a cell
 * is part of its text. Rows without any text are skipped.
 *
 * @throws A `data` error with the line number for a quoted cell without a closing quotation mark, or with text after it.
 */
export function parseCsv(source: string): CsvRow[] {
  const text = source.replace(/^\uFEFF/, '');
  const rows: CsvRow[] = [];
  const unquotedCell = /[^,\r\n]*/y;
  let position = 0;
  let line = 1;
  while (position < text.length) {
    const cells: string[] = [];
    const firstLine = line;
    for (;;) {
      if (text[position] === '"') {
        const end = findClosingQuote(text, position);
        if (end < 0) throw createQuoteError(line, 'a quoted cell without a closing quotation mark');
        const cell = text.slice(position + 1, end);
        const lastLine = line + (cell.match(/\r\n|\r|\n/g)?.length ?? 0);
        position = end + 1;
        checkCellEnd(text, position, line, lastLine);
        cells.push(cell.replaceAll('""', '"'));
        line = lastLine;
      } else {
        unquotedCell.lastIndex = position;
        const [cell] = unquotedCell.exec(text)!;
        cells.push(cell);
        position += cell.length;
      }
      if (text[position] !== ',') break;
      position++;
    }
    if (text[position] === '\r' && text[position + 1] === '\n') position++;
    position++;
    line++;
    if (cells.some((cell) => cell !== '')) rows.push({ cells, line: firstLine });
  }
  return rows;
}

/** Returns the index of the quotation mark that closes the cell which starts at `start`, or -1. Two marks in a row are part of the cell. */
function findClosingQuote(text: string, start: number): number {
  let end = text.indexOf('"', start + 1);
  while (end >= 0 && text[end + 1] === '"') end = text.indexOf('"', end + 2);
  return end;
}

/** Throws unless a comma, the end of a line or the end of the text follows a quoted cell. */
function checkCellEnd(text: string, position: number, line: number, lastLine: number): void {
  if (position >= text.length || /[,\r\n]/.test(text[position]!)) return;
  const rest = /[^,\r\n]{1,20}/.exec(text.slice(position, position + 20))![0];
  const lastLineText = lastLine === line ? '' : ` on line ${lastLine}`;
  throw createQuoteError(
    line,
    `a quoted cell whose closing quotation mark${lastLineText} is followed by ${JSON.stringify(rest)}`,
  );
}

const createQuoteError = (line: number, received: string) =>
  createError({
    kind: 'data',
    path: `CSV line ${line}`,
    expected: 'a quoted cell that ends with a quotation mark before the next comma or line break',
    received,
    advice: 'Close the cell, or double every quotation mark inside it and quote the whole cell.',
  });
