import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { heatOverlay } from '../../src/report/index.js';

const side = fc.integer({ min: 1, max: 9 });
const image = fc
  .tuple(side, side, fc.constantFrom(1, 3))
  .chain(([height, width, channels]) =>
    fc
      .uint8Array({ minLength: height * width * channels, maxLength: height * width * channels })
      .map((data) => ({ data, height, width, channels })),
  );
const heat = fc.tuple(side, side).chain(([height, width]) =>
  fc
    .array(fc.float({ min: 0, max: 1, noNaN: true }), {
      minLength: height * width,
      maxLength: height * width,
    })
    .map((data) => ({ data: Float32Array.from(data), height, width })),
);
const luminance = ([r, g, b]: readonly number[]) => 0.2126 * r! + 0.7152 * g! + 0.0722 * b!;
const getPixel = (data: Uint8Array, at: number) => [...data.subarray(3 * at, 3 * at + 3)];

describe('heatOverlay', () => {
  test('returns a color image of the same size as the image, and does not change its arguments', () => {
    fc.assert(
      fc.property(image, heat, (picture, map) => {
        const [pixelsBefore, heatBefore] = [picture.data.slice(), map.data.slice()];
        const over = heatOverlay(picture, map);
        expect([over.height, over.width, over.channels]).toEqual([picture.height, picture.width, 3]);
        expect(over.data).toHaveLength(picture.height * picture.width * 3);
        expect(picture.data).toEqual(pixelsBefore);
        expect(map.data).toEqual(heatBefore);
      }),
    );
  });

  test('returns a gray image for opacity 0, and only the colors of the heat map for opacity 1', () => {
    fc.assert(
      fc.property(image, heat, (picture, map) => {
        const transparent = heatOverlay(picture, map, { opacity: 0 });
        for (let at = 0; at < picture.height * picture.width; at++) {
          expect(new Set(getPixel(transparent.data, at)).size).toBe(1);
        }
        const dark = { ...picture, data: new Uint8Array(picture.data.length) };
        const opaque = heatOverlay(picture, map, { opacity: 1 });
        expect(opaque).toEqual(heatOverlay(dark, map, { opacity: 1 }));
      }),
    );
  });

  test('colors each pixel by the heat value at the same position if the heat map has the size of the image', () => {
    fc.assert(
      fc.property(heat, (map) => {
        const picture = { ...map, data: new Uint8Array(map.data.length), channels: 1 };
        const over = heatOverlay(picture, map, { opacity: 1 });
        map.data.forEach((value, at) => {
          const one = { height: 1, width: 1, data: Float32Array.of(value) };
          const alone = heatOverlay({ height: 1, width: 1, data: new Uint8Array(1), channels: 1 }, one, {
            opacity: 1,
          });
          expect(getPixel(over.data, at)).toEqual([...alone.data]);
        });
      }),
    );
  });

  test('rejects an image with an alpha channel, and a heat map that contains NaN or infinity', () => {
    const picture = { data: new Uint8Array(2 * 2 * 4), height: 2, width: 2, channels: 4 };
    const cold = { height: 1, width: 2, data: Float32Array.of(0, 0) };
    expect(() => heatOverlay(picture, cold)).toThrow(
      expect.objectContaining({ kind: 'argument', path: 'heatOverlay.image', received: '4 channels' }),
    );
    const gray = { data: new Uint8Array(4), height: 2, width: 2, channels: 1 };
    for (const value of [Number.NaN, Number.POSITIVE_INFINITY]) {
      expect(() => heatOverlay(gray, { ...cold, data: Float32Array.of(0, value) })).toThrow(
        expect.objectContaining({ kind: 'argument', path: 'heatOverlay.heat[1]', received: String(value) }),
      );
    }
  });

  test('returns the mirrored result if the image and the heat map are mirrored', () => {
    const mirror = <D extends Uint8Array | Float32Array>(data: D, width: number, channels: number): D =>
      data.map((_, i) => {
        const [at, channel] = [Math.floor(i / channels), i % channels];
        const row = Math.floor(at / width);
        return data[(row * width + (width - 1 - (at % width))) * channels + channel]!;
      }) as D;
    fc.assert(
      fc.property(image, heat, (picture, map) => {
        const over = heatOverlay(picture, map).data;
        const other = heatOverlay(
          { ...picture, data: mirror(picture.data, picture.width, picture.channels) },
          { ...map, data: mirror(map.data, map.width, 1) },
        ).data;
        const back = mirror(other, picture.width, 3);
        // A value halfway between two bytes may be rounded in either direction.
        over.forEach((value, i) => {
          expect(Math.abs(value - back[i]!)).toBeLessThanOrEqual(1);
        });
      }),
    );
  });

  test('uses lighter colors for larger heat values, so that they are distinguishable in a grayscale print', () => {
    const width = 256;
    const ramp = { height: 1, width, data: Float32Array.from({ length: width }, (_, i) => i / 255) };
    const { data } = heatOverlay({ height: 1, width, data: new Uint8Array(width), channels: 1 }, ramp, {
      opacity: 1,
    });
    const steps = Array.from({ length: 16 }, (_, i) => luminance(getPixel(data, 16 * i)));
    for (let i = 1; i < steps.length; i++) expect(steps[i]! - steps[i - 1]!).toBeGreaterThan(5);
    expect([getPixel(data, 0), getPixel(data, 255)]).toEqual([
      [0x44, 0x01, 0x54],
      [0xfd, 0xe7, 0x25],
    ]);
  });
});
