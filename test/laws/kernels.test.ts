import { kernelLaws } from './kernelLaws.js';

kernelLaws({}, 1);
