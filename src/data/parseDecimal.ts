const DECIMAL = /^[+-]?(?:\d+\.?\d*|\.\d+)(?:e[+-]?\d+)?$/i;

/**
 * Reads a decimal number from the text of a label. Spaces around it are ignored. Returns NaN for other text, for the other notations of
 * JavaScript (`0x1F`, `0b11`, `Infinity`), and for a number other than 0 that a double can only represent as 0.
 */
export function parseDecimal(text: string): number {
  const digits = text.trim();
  if (!DECIMAL.test(digits)) return Number.NaN;
  const value = Number(digits);
  const isUnderflow = value === 0 && /[1-9]/.test(digits.split(/e/i)[0]!);
  return isUnderflow ? Number.NaN : value;
}
