import { createRequire } from 'node:module';
import * as m from 'tfjs-multitask';
import * as n from 'tfjs-multitask/node';
import { runProgram } from './program.mjs';

const require = createRequire(import.meta.url);
const commonJs = require('tfjs-multitask');
if (commonJs.multiTask === m.multiTask) throw new Error('expected two copies of the package');
console.log(
  JSON.stringify([await runProgram(m, n), await runProgram(commonJs, require('tfjs-multitask/node'))]),
);
