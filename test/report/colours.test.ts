import { expect, test } from 'vitest';
import { SERIES_COLORS } from '../../src/report/charts/chart.js';
import { getLineStyle } from '../../src/report/charts/comparisonFigures.js';

/** Red, green and blue as light, 0 to 1 (sRGB, IEC 61966-2-1). */
const light = (hex: string) =>
  [1, 3, 5].map((at) => {
    const value = Number.parseInt(hex.slice(at, at + 2), 16) / 255;
    return value <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4;
  });

const times = (rows: readonly (readonly number[])[], [r, g, b]: readonly number[]) =>
  rows.map(([x, y, z]) => x! * r! + y! * g! + z! * b!);

/** Machado, Oliveira and Fernandes 2009, severity 1. */
const EYES = {
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

const XYZ = [
  [0.4124 / 0.9505, 0.3576 / 0.9505, 0.1805 / 0.9505],
  [0.2126, 0.7152, 0.0722],
  [0.0193 / 1.089, 0.1192 / 1.089, 0.9505 / 1.089],
];

function lab(rgb: readonly number[]) {
  const [x, y, z] = times(XYZ, rgb).map((t) => (t > 0.008856 ? Math.cbrt(t) : 7.787 * t + 16 / 116));
  return [116 * y! - 16, 500 * (x! - y!), 200 * (y! - z!)];
}

test.each(Object.entries(EYES))('the colours of series differ for eyes with %s', (_, eyes) => {
  const seen = SERIES_COLORS.map((hex) =>
    lab(times(eyes, light(hex)).map((v) => Math.min(1, Math.max(0, v)))),
  );
  for (const [i, one] of seen.entries()) {
    for (const other of seen.slice(0, i)) {
      // 2.3 is just noticeable for patches side by side; thin lines need some ten times that.
      expect(Math.hypot(...one.map((value, at) => value - other[at]!))).toBeGreaterThan(22);
    }
  }
});

test('the colours of series stand out from white, as graphics must (WCAG 2.2, 1.4.11)', () => {
  for (const hex of SERIES_COLORS)
    expect(1.05 / (times(XYZ, light(hex))[1]! + 0.05)).toBeGreaterThanOrEqual(3);
});

test('a dozen runs compared have each a line of its own', () => {
  const looks = Array.from({ length: 12 }, (_, place) => JSON.stringify(getLineStyle(place)));
  expect(new Set(looks).size).toBe(12);
});
