import { rmSync } from 'node:fs';
import { runStudy } from 'tfjs-multitask/node';

const folder = `search-${process.argv[2]}`;
const { trials, stopped } = await runStudy('./search.mjs', { folder });
rmSync(folder, { recursive: true });
console.log(JSON.stringify([stopped, ...trials.map(({ state, reason }) => reason ?? state)]));
