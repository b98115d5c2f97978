import { join } from 'node:path';
import * as checks from '../../core/errors/checks.js';
import { loadPackage } from '../platform/loadPackage.js';
import { getPackageFolder } from '../platform/packageFolder.js';

/**
 * Converts an SVG image to the bytes of a PNG file. Text is drawn with Inter, a font that this package contains.
 *
 * @param scale - Number of pixels per unit of the SVG. Default: 2.
 * @throws A `missing-package` error if `@resvg/resvg-js` is not installed.
 * @example
 * ```ts
 * import { svgToPng } from 'tfjs-multitask/node';
 *
 * const png = await svgToPng('<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"/>');
 * console.log(new TextDecoder().decode(png.subarray(1, 4))); // PNG
 * ```
 * @category Figures
 */
export async function svgToPng(svg: string, scale = 2): Promise<Uint8Array> {
  checks.noOptions('svgToPng', arguments[2]);
  checks.string('svgToPng.svg', svg, {
    noun: 'the text of an SVG image',
    advice: 'Pass the result of learningCurves().',
  });
  checks.number('svgToPng.scale', scale, { above: 0, defaultValue: 2 });
  const { Resvg } = await loadPackage<typeof import('@resvg/resvg-js')>('@resvg/resvg-js', 'writing PNG');
  const { regular, semiBold } = getFontPaths();
  const picture = new Resvg(svg, {
    fitTo: { mode: 'zoom', value: scale },
    background: 'white',
    font: {
      loadSystemFonts: false,
      fontFiles: [regular, semiBold],
      defaultFontFamily: 'Inter',
      sansSerifFamily: 'Inter',
    },
  });
  return new Uint8Array(picture.render().asPng());
}

/** Returns the paths of the Inter font files in this package. */
export function getFontPaths(): { readonly regular: string; readonly semiBold: string } {
  const file = (name: string) => join(getPackageFolder(), 'assets', 'fonts', name);
  return { regular: file('Inter-Regular.otf'), semiBold: file('Inter-SemiBold.otf') };
}
