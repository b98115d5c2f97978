import type { Rng } from 'tfjs-multitask';

/** Labels of a drawn face. */
export interface Subject {
  /** Age in years, from 1 to 90. Expressed by the number, depth and length of the wrinkles. */
  readonly age: number;
  /** Gender. Expressed by brows, lashes, lips and beard. */
  readonly gender: 'male' | 'female';
}

const hsl = (hue: number, saturation: number, light: number) => `hsl(${hue},${saturation}%,${light}%)`;

const rgb = (channels: readonly number[]) => `rgb(${channels.map(Math.round).join(',')})`;

/** Converts an HSL color to RGB channels from 0 to 255. The hue is from 0 to 60 degrees; saturation and lightness are from 0 to 1. */
function hslToRgb(hue: number, saturation: number, light: number): number[] {
  const chroma = (1 - Math.abs(2 * light - 1)) * saturation;
  const min = light - chroma / 2;
  return [min + chroma, min + (chroma * hue) / 60, min].map((channel) => channel * 255);
}

/**
 * Draws a face as SVG, 200x200 pixels. Position, scale, tilt, skin, hair and background are independent of the labels. Age and gender are
 * expressed by lines and shapes only, so a model cannot predict them from the mean color or from a thumbnail.
 */
export function drawFace(random: Rng, { age, gender }: Subject): string {
  const skin = hslToRgb(random.uniform(14, 34), random.uniform(0.2, 0.4), random.uniform(0.44, 0.58));
  const face = rgb(skin);
  // Lines are lighter or darker than the skin with equal probability, by the same amount in every channel. Therefore, the expected sum over a
  // region does not depend on the number of lines.
  const contrast = random.uniform(52, 62) * (random.next() < 0.5 ? -1 : 1);
  const ink = rgb(skin.map((channel) => channel + contrast));
  const hair = hsl(random.uniform(0, 50), random.uniform(0, 70), random.uniform(10, 75));
  const tilt = random.uniform(-8, 8);
  const scale = random.uniform(0.86, 1.05);
  const transform = `translate(${100 + random.uniform(-10, 10)} ${102 + random.uniform(-10, 10)}) rotate(${tilt}) scale(${scale})`;
  const width = random.uniform(52, 60);
  const height = random.uniform(66, 74);
  const female = gender === 'female';
  const backgroundHues = [random.uniform(0, 360), random.uniform(0, 360)] as const;
  const backgroundLights = [random.uniform(20, 85), random.uniform(20, 85)] as const;
  return `<svg xmlns="http://www.w3.org/2000/svg" width="200" height="200" viewBox="0 0 200 200">
<defs><linearGradient id="g" gradientTransform="rotate(${random.uniform(0, 90)})">
<stop offset="0" stop-color="${hsl(backgroundHues[0], 40, backgroundLights[0])}"/><stop offset="1" stop-color="${hsl(backgroundHues[1], 40, backgroundLights[1])}"/>
</linearGradient></defs><rect width="200" height="200" fill="url(#g)"/>
<g transform="${transform}" stroke-linecap="round" fill="none">
<ellipse cx="0" cy="-14" rx="${width + 9}" ry="${height + 6}" fill="${hair}"/>
<ellipse cx="0" cy="4" rx="${width}" ry="${height}" fill="${face}"/>
${drawEyes(random, female, ink)}
<path d="M0 4 q${random.uniform(4, 9)} 14 -2 18" stroke="${ink}" stroke-width="3"/>
${drawMouth(random, female, ink)}
${drawWrinkles(random, age, ink)}
</g></svg>`;
}

function drawEyes(random: Rng, female: boolean, ink: string): string {
  const iris = hsl(random.uniform(20, 230), 45, random.uniform(20, 45));
  const brow = female ? 2.5 : 7;
  return [-1, 1]
    .map((side) => {
      const x = side * 23;
      const lashes = female
        ? [0, 1, 2, 3]
            .map(
              (i) =>
                `<path d="M${x + side * (i * 4)} ${-14 + i} l${side * (2 + i * 2)} -9" stroke="${ink}" stroke-width="2.4"/>`,
            )
            .join('')
        : '';
      return `<ellipse cx="${x}" cy="-6" rx="12" ry="8" fill="#f6f3ee"/><circle cx="${x}" cy="-6" r="6" fill="${iris}"/>
<circle cx="${x}" cy="-6" r="2.8" fill="#161616"/>${lashes}
<path d="M${x - 13} -26 q13 ${female ? -9 : -3} 26 0" stroke="${ink}" stroke-width="${brow}"/>`;
    })
    .join('');
}

function drawMouth(random: Rng, female: boolean, ink: string): string {
  const smile = random.uniform(2, 9);
  if (female) {
    return `<path d="M-17 40 q8.500 -9 17 -3 q8.500 -6 17 3 q-17 ${10 + smile} -34 0 z" fill="${ink}"/>`;
  }
  const bristles = Array.from({ length: 34 }, () => {
    const x = random.uniform(-34, 34);
    const y = 50 + random.uniform(0, 20) * Math.sqrt(Math.max(0, 1 - (x / 40) ** 2));
    return `<path d="M${x} ${y} l${random.uniform(-2, 2)} 6" stroke="${ink}" stroke-width="2"/>`;
  });
  return `<path d="M-18 40 q18 ${smile} 36 0" stroke="${ink}" stroke-width="3.500"/>${bristles.join('')}`;
}

/** Draws the wrinkles: on the forehead, at the eyes, next to the mouth and on the cheeks. */
function drawWrinkles(random: Rng, age: number, ink: string): string {
  const lines: string[] = [];
  const depth = 0.6 + (age / 90) * 2.6;
  const addLine = (d: string) =>
    lines.push(`<path d="${d}" stroke="${ink}" stroke-width="${depth.toFixed(2)}"/>`);
  const forehead = Math.round(age / 15);
  for (let i = 0; i < forehead; i++) {
    const y = -36 - i * 4.6 + random.uniform(-0.8, 0.8);
    addLine(`M${-30 + i} ${y} q30 ${random.uniform(-5, -2)} ${60 - 2 * i} 0`);
  }
  for (const side of [-1, 1]) {
    for (let i = 0; i < Math.round(age / 22); i++) {
      addLine(`M${side * 38} ${-6 + i * 3} l${side * 9} ${-5 + i * 4}`);
      addLine(`M${side * (14 + i * 4)} ${6 + i * 2} q${side * 8} 4 ${side * 15} 0`);
    }
    if (age > 25) addLine(`M${side * 13} 20 q${side * 12} 8 ${side * 11} ${8 + age / 6}`);
    if (age > 50) addLine(`M${side * 34} 18 q${side * 6} 10 ${side * 1} ${age / 4}`);
  }
  return lines.join('');
}
