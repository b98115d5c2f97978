import type { Json } from '../json.js';
import type { ArchitectureRecord } from './architecture.js';
import type { HistoryRecord } from './history.js';

/**
 * A prediction as plain numbers: the value of a regression, or the probabilities of all labels in the order of the task's labels.
 *
 * @category Figures
 */
export type PredictionValue = number | readonly number[];

/**
 * Labels and predictions of one validation image.
 *
 * @category Figures
 */
export interface PredictionRecord {
  /** Id of the image in the dataset. */
  readonly id: string;
  /** Label of each task: a number for a regression, or a string for a classification. Tasks without a label are absent. */
  readonly labels: { readonly [task: string]: number | string };
  /** Predictions by task. */
  readonly answers: { readonly [task: string]: PredictionValue };
  /** Groups that the image belongs to, for example `{ sex: 'female' }`. Errors are reported for each group. */
  readonly groups: { readonly [group: string]: string };
}

/**
 * Distribution of the labels in one split of the data.
 *
 * @category Figures
 */
export interface SplitRecord {
  /** Number of images. */
  readonly size: number;
  /** Number of images with each label, for each task. Sorted by label. */
  readonly labels: { readonly [task: string]: readonly (readonly [label: number | string, count: number])[] };
  /** Number of images with each value of a group, for each group. Sorted by value. */
  readonly groups: { readonly [group: string]: readonly (readonly [name: string, count: number])[] };
}

/**
 * A small image of a run, stored as a file next to its record.
 *
 * @category Figures
 */
export interface ImageRecord {
  /** Id of the image in the dataset. */
  readonly id: string;
  /** Name of the file: `pictures/12.jpg`. */
  readonly file: string;
}

/**
 * An image and its augmented versions.
 *
 * @category Figures
 */
export interface AugmentationRecord {
  /** Id of the image in the dataset. */
  readonly id: string;
  /** Names of the image files. The first is the original image. */
  readonly files: readonly string[];
}

/**
 * Engine that executed a run.
 *
 * @category Figures
 */
export interface EngineRecord {
  /** Name of the engine: `onnx`, `wasm`. */
  readonly name: string;
  /** The reason for choosing this engine. */
  readonly reason: string;
}

/**
 * Grad-CAM heat map of one task and one image, stored as an image file.
 *
 * @category Figures
 */
export interface GradCamRecord {
  /** Id of the image in the dataset. */
  readonly id: string;
  /** Task whose prediction is explained. */
  readonly task: string;
  /** Prediction that the heat map explains: a label, or `higher` or `lower` for a regression. */
  readonly toward: string;
  /** Name of the image file, relative to the folder of the run. */
  readonly image: string;
}

/**
 * A run as plain records. This is the contents of `run.json` and the input of a report.
 *
 * @category Figures
 */
export interface RunRecord extends HistoryRecord {
  /** Version of the file format. */
  readonly format: 1;
  /** Title of the run: `Model A`. */
  readonly name: string;
  /** Remarks on the run, for example where its initial weights came from. */
  readonly remarks: readonly string[];
  /** Column by which the best epoch was chosen. */
  readonly monitor: string;
  /** Epoch of the model that made the predictions. Default: the best epoch by `monitor`. */
  readonly checkpointEpoch?: number;
  /** Why the run ended. Absent while it continues. */
  readonly stopped?: string;
  /** Options of the run: epochs, batch size, seed and so on. */
  readonly arguments: { readonly [name: string]: Json };
  /** Engine that executed the run. */
  readonly engine?: EngineRecord;
  /** Versions of the packages, and a description of the machine. */
  readonly versions: { readonly [name: string]: string };
  /** Layers, shapes and parameters of the network. */
  readonly architecture: ArchitectureRecord;
  /** Description of the data. */
  readonly data: {
    /** Name of the data set: `UTKFace`, or a folder. */
    readonly name: string;
    /** Shape of the images: `[height, width, channels]`. */
    readonly shape: readonly number[];
    /** Number of image files that could not be used. */
    readonly skipped: number;
    /** Training data. */
    readonly train: SplitRecord;
    /** Validation data. */
    readonly validation?: SplitRecord;
  };
  /** Predictions for all validation images, without augmentation. Empty while the run continues. */
  readonly answers: readonly PredictionRecord[];
  /** Small images of some validation images. */
  readonly pictures: readonly ImageRecord[];
  /** Training images with their augmented versions, one entry for each image. */
  readonly augmented: readonly AugmentationRecord[];
  /** Grad-CAM heat maps. Empty when they were not requested. */
  readonly gradCams: readonly GradCamRecord[];
}
