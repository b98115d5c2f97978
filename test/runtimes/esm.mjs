import * as m from 'tfjs-multitask';
import * as n from 'tfjs-multitask/node';
import { runProgram } from './program.mjs';

console.log(JSON.stringify([await runProgram(m, n)]));
