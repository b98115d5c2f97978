type Api = typeof import('tfjs-multitask');

/** Augmentation of an epoch: the largest rotation in degrees, and the largest zoom as a fraction. Images are also flipped horizontally. */
export const AUGMENTATION = { rotation: 20, zoom: 0.1 } as const;

/** Creates the transforms of an augmented epoch with the API of a checkout. */
export const createTransforms = ({ randomFlip, randomRotation, randomZoom }: Api) => [
  randomRotation({ degrees: AUGMENTATION.rotation }),
  randomZoom({ range: AUGMENTATION.zoom }),
  randomFlip('horizontal'),
];
