/**
 * Label readers of known data sets.
 *
 * @module tfjs-multitask/datasets
 */

export { type UtkFaceLabels, utkFace, utkFaceGroups } from './utkFace.js';
