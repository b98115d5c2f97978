/** First bytes of an image file in each format. For WebP, these are the bytes of its RIFF container. */
const SIGNATURES = {
  jpeg: [0xff, 0xd8, 0xff],
  png: [0x89, 0x50, 0x4e, 0x47],
  webp: [0x52, 0x49, 0x46, 0x46],
} as const;

/** File format of an image that a report can show. */
export type ImageFormat = keyof typeof SIGNATURES;

/** Detects the format of an image file from its first bytes. Returns undefined for a file in another format. */
export function detectImageFormat(bytes: Uint8Array): ImageFormat | undefined {
  const formats = Object.keys(SIGNATURES) as ImageFormat[];
  return formats.find((format) => SIGNATURES[format].every((byte, i) => bytes[i] === byte));
}
