/**
 * Label readers for public datasets.
 *
 * @module tfjs-multitask/datasets
 */

export { type UtkFaceLabels, utkFace, utkFaceGroups } from './utkFace.js';
