/**
 * Label readers for public data sets.
 *
 * @module tfjs-multitask/datasets
 */

export { type UtkFaceLabels, utkFace, utkFaceGroups } from './utkFace.js';
