import { expect, test } from 'vitest';
import { SERIES_COLORS } from '../../src/report/charts/chart.js';
import { getLineStyle } from '../../src/report/charts/comparisonFigures.js';

/** Returns the linear red, green and blue components of an sRGB color (IEC 61966-2-1), from 0 to 1. */
const toLinearRgb = (hex: string) =>
  [1, 3, 5].map((offset) => {
    const value = Number.parseInt(hex.slice(offset, offset + 2), 16) / 255;
    return value <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4;
  });

const multiply = (rows: readonly (readonly number[])[], [r, g, b]: readonly number[]) =>
  rows.map(([x, y, z]) => x! * r! + y! * g! + z! * b!);

/** Matrices that simulate color blindness (Machado, Oliveira and Fernandes 2009, severity 1). */
const COLOR_BLINDNESS = {
  deuteranopia: [
    [0.367322, 0.860646, -0.227968],
    [0.280085, 0.672501, 0.047413],
    [-0.01182, 0.04294, 0.968881],
  ],
  protanopia: [
    [0.152286, 1.052583, -0.204868],
    [0.114503, 0.786281, 0.099216],
    [-0.003882, -0.048116, 1.051998],
  ],
};

/** Matrix from linear RGB to CIE XYZ, relative to the white point. */
const XYZ = [
  [0.4124 / 0.9505, 0.3576 / 0.9505, 0.1805 / 0.9505],
  [0.2126, 0.7152, 0.0722],
  [0.0193 / 1.089, 0.1192 / 1.089, 0.9505 / 1.089],
];

function toLab(rgb: readonly number[]) {
  const [x, y, z] = multiply(XYZ, rgb).map((t) => (t > 0.008856 ? Math.cbrt(t) : 7.787 * t + 16 / 116));
  return [116 * y! - 16, 500 * (x! - y!), 200 * (y! - z!)];
}

test.each(Object.entries(COLOR_BLINDNESS))(
  'the line colors in a report (SERIES_COLORS) are distinguishable for readers with %s',
  (_, matrix) => {
    const colors = SERIES_COLORS.map((hex) =>
      toLab(multiply(matrix, toLinearRgb(hex)).map((level) => Math.min(1, Math.max(0, level)))),
    );
    for (const [i, a] of colors.entries()) {
      for (const b of colors.slice(0, i)) {
        // A difference of 2.3 is just noticeable for adjacent areas. Thin lines need about ten times that.
        expect(Math.hypot(...a.map((value, axis) => value - b[axis]!))).toBeGreaterThan(22);
      }
    }
  },
);

test('the line colors in a report (SERIES_COLORS) have the contrast with white that WCAG 2.2 requires', () => {
  for (const hex of SERIES_COLORS)
    expect(1.05 / (multiply(XYZ, toLinearRgb(hex))[1]! + 0.05)).toBeGreaterThanOrEqual(3);
});

test('getLineStyle returns a different line style for each of twelve runs', () => {
  const styles = Array.from({ length: 12 }, (_, i) => JSON.stringify(getLineStyle(i)));
  expect(new Set(styles).size).toBe(12);
});
