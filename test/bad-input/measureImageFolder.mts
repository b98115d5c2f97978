/**
 * Reads a folder twice at the same time, and prints the peak of the memory above the memory before, and the paths:
 * `measureImageFolder.mts HARMLESS HOSTILE`. A harmless folder is read first, so that the decoder is loaded.
 */
import { imageFolder } from '../../src/node/index.js';

const [harmless, hostile] = process.argv.slice(2) as [string, string];
const options = { labels: () => ({ labels: {} }), size: [8, 8], unusableFiles: 'skip' } as const;
await imageFolder(harmless, options);
const before = process.memoryUsage().rss;
const [dataset] = await Promise.all([1, 2].map(() => imageFolder(hostile, options)));
const { ids, skipped } = dataset!;
const bytes = process.resourceUsage().maxRSS * 1024 - before;
console.log(`result ${JSON.stringify({ bytes, ids, skipped })}`);
