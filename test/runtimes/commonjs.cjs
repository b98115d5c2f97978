const m = require('tfjs-multitask');
const n = require('tfjs-multitask/node');

import('./program.mjs').then(async ({ runProgram }) => console.log(JSON.stringify([await runProgram(m, n)])));
