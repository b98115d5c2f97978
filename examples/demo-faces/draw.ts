import type { Rng } from 'tfjs-multitask';

/** What a drawn face must show. */
export interface Subject {
  /** Years, 1 to 90: shows in wrinkles, in the thinning of the brows and in the proportions of the face. */
  readonly age: number;
  /** Shows in brows, lashes, lips and beard. */
  readonly gender: 'male' | 'female';
}

const hsl = (hue: number, saturation: number, light: number) => `hsl(${hue},${saturation}%,${light}%)`;

const rgb = (channels: readonly number[]) => `rgb(${channels.map(Math.round).join(',')})`;

/** Channels 0..255 of a hue of 0 to 60 degrees. */
function rgbOf(hue: number, saturation: number, light: number): number[] {
  const chroma = (1 - Math.abs(2 * light - 1)) * saturation;
  const least = light - chroma / 2;
  return [least + chroma, least + (chroma * hue) / 60, least].map((channel) => channel * 255);
}

/**
 * A face as SVG, 200x200. Position, scale, tilt, skin, hair and background vary freely of the labels; age and gender show in
 * lines and shapes, so neither the mean colour nor a thumbnail tells of them.
 */
export function drawFace(random: Rng, { age, gender }: Subject): string {
  const skin = rgbOf(random.uniform(14, 34), random.uniform(0.2, 0.4), random.uniform(0.44, 0.58));
  const face = rgb(skin);
  // Lines are as often lighter than the skin as darker, by as much in every channel: no sum over a region tells how many
  // there are.
  const contrast = random.uniform(52, 62) * (random.next() < 0.5 ? -1 : 1);
  const ink = rgb(skin.map((channel) => channel + contrast));
  const hair = hsl(random.uniform(0, 50), random.uniform(0, 70), random.uniform(10, 75));
  const turn = random.uniform(-8, 8);
  const scale = random.uniform(0.86, 1.05);
  const move = `translate(${100 + random.uniform(-10, 10)} ${102 + random.uniform(-10, 10)}) rotate(${turn}) scale(${scale})`;
  const width = random.uniform(52, 60);
  const height = random.uniform(66, 74);
  const female = gender === 'female';
  const ground = [random.uniform(0, 360), random.uniform(0, 360)] as const;
  const light = [random.uniform(20, 85), random.uniform(20, 85)] as const;
  return `<svg xmlns="http://www.w3.org/2000/svg" width="200" height="200" viewBox="0 0 200 200">
<defs><linearGradient id="g" gradientTransform="rotate(${random.uniform(0, 90)})">
<stop offset="0" stop-color="${hsl(ground[0], 40, light[0])}"/><stop offset="1" stop-color="${hsl(ground[1], 40, light[1])}"/>
</linearGradient></defs><rect width="200" height="200" fill="url(#g)"/>
<g transform="${move}" stroke-linecap="round" fill="none">
<ellipse cx="0" cy="-14" rx="${width + 9}" ry="${height + 6}" fill="${hair}"/>
<ellipse cx="0" cy="4" rx="${width}" ry="${height}" fill="${face}"/>
${eyes(random, female, ink)}
<path d="M0 4 q${random.uniform(4, 9)} 14 -2 18" stroke="${ink}" stroke-width="3"/>
${mouth(random, female, ink)}
${wrinkles(random, age, ink)}
</g></svg>`;
}

function eyes(random: Rng, female: boolean, ink: string): string {
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

function mouth(random: Rng, female: boolean, ink: string): string {
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

/** Lines that come with the years: on the forehead, at the eyes, beside the mouth, on the cheeks. */
function wrinkles(random: Rng, age: number, ink: string): string {
  const lines: string[] = [];
  const depth = 0.6 + (age / 90) * 2.6;
  const line = (d: string) =>
    lines.push(`<path d="${d}" stroke="${ink}" stroke-width="${depth.toFixed(2)}"/>`);
  const forehead = Math.round(age / 15);
  for (let i = 0; i < forehead; i++) {
    const y = -36 - i * 4.6 + random.uniform(-0.8, 0.8);
    line(`M${-30 + i} ${y} q30 ${random.uniform(-5, -2)} ${60 - 2 * i} 0`);
  }
  for (const side of [-1, 1]) {
    for (let i = 0; i < Math.round(age / 22); i++) {
      line(`M${side * 38} ${-6 + i * 3} l${side * 9} ${-5 + i * 4}`);
      line(`M${side * (14 + i * 4)} ${6 + i * 2} q${side * 8} 4 ${side * 15} 0`);
    }
    if (age > 25) line(`M${side * 13} 20 q${side * 12} 8 ${side * 11} ${8 + age / 6}`);
    if (age > 50) line(`M${side * 34} 18 q${side * 6} 10 ${side * 1} ${age / 4}`);
  }
  return lines.join('');
}
