import type { Json } from '../json.js';
import type { ArchitectureRecord } from './architecture.js';
import type { HistoryRecord } from './history.js';

/**
 * A prediction as plain numbers: the value for a regression task, or the probabilities of all labels in the order of the task's labels.
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
  /** Label of each task: a number for a regression task, or a string for a classification task. Tasks without a label are absent. */
  readonly labels: { readonly [task: string]: number | string };
  /** Predictions, keyed by the name of the task. */
  readonly answers: { readonly [task: string]: PredictionValue };
  /**
   * Subgroup of the image in each group, for example `{ sex: 'female' }` for the group `sex`. A report shows the errors for each subgroup.
   */
  readonly groups: { readonly [group: string]: string };
}

/**
 * Distribution of the labels in the training or the validation data.
 *
 * @category Figures
 */
export interface SplitRecord {
  /** Number of images in this part of the data. */
  readonly size: number;
  /** For each task, the labels with their image counts, sorted by label. */
  readonly labels: { readonly [task: string]: readonly (readonly [label: number | string, count: number])[] };
  /** For each group, the names of its subgroups (for example `female` in the group `sex`) with their image counts, sorted by name. */
  readonly groups: { readonly [group: string]: readonly (readonly [name: string, count: number])[] };
}

/**
 * A thumbnail of an image, stored as a file next to the record of the run.
 *
 * @category Figures
 */
export interface ImageRecord {
  /** Id of the image in the dataset. */
  readonly id: string;
  /** Path of the thumbnail, relative to the folder of the run, for example `pictures/12-0123456789abcdef.jpg`. */
  readonly file: string;
}

/**
 * A training image and its augmented versions, stored as image files.
 *
 * @category Figures
 */
export interface AugmentationRecord {
  /** Id of the image in the dataset. */
  readonly id: string;
  /** Paths of the image files, relative to the folder of the run. The first file is the original image. */
  readonly files: readonly string[];
}

/**
 * Engine that executed a run, and the reason why it was selected.
 *
 * @category Figures
 */
export interface EngineRecord {
  /** Name of the engine, for example `onnx` or `wasm`. */
  readonly name: string;
  /** Reason why this engine was selected. */
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
  /** Prediction that the heat map explains: a label, or `higher` or `lower` for a regression task. */
  readonly toward: string;
  /** Path of the image file, relative to the folder of the run. */
  readonly image: string;
}

/**
 * A run as plain data: the contents of `run.json`, from which a report is created.
 *
 * @category Figures
 */
export interface RunRecord extends HistoryRecord {
  /** Version of the file format. */
  readonly format: 1;
  /** Title of the run, for example `Model A`. */
  readonly name: string;
  /** Remarks on the run, for example where its initial weights came from. */
  readonly remarks: readonly string[];
  /** Column that determines the best epoch, for example `val_loss`. */
  readonly monitor: string;
  /** Epoch of the saved model that made the predictions, counted from 1. Default: the best epoch according to `monitor`. */
  readonly checkpointEpoch?: number;
  /**
   * Whether the predictions are from the model at the end of the run, because no saved model of the best epoch was recorded. Default false.
   */
  readonly isFinalModel?: boolean;
  /** Reason why the run ended. Absent while the run continues. */
  readonly stopped?: string;
  /** Options of the run: epochs, batch size, seed and so on. */
  readonly arguments: { readonly [name: string]: Json };
  /** Engine that executed the run. */
  readonly engine?: EngineRecord;
  /** Versions of the packages and a description of the machine, keyed by name. */
  readonly versions: { readonly [name: string]: string };
  /** Layers, shapes and parameters of the network. */
  readonly architecture: ArchitectureRecord;
  /** Description of the training and validation data. */
  readonly data: {
    /** Name of the dataset, for example `UTKFace` or a folder name. */
    readonly name: string;
    /** Shape of the images: `[height, width, channels]`. */
    readonly shape: readonly number[];
    /** Number of image files that were skipped because they could not be used. */
    readonly skipped: number;
    /** Distribution of the training labels. */
    readonly train: SplitRecord;
    /** Distribution of the validation labels. */
    readonly validation?: SplitRecord;
  };
  /** Predictions for all validation images, without augmentation. Empty while the run continues. */
  readonly answers: readonly PredictionRecord[];
  /** Thumbnails of the validation images that a report shows. */
  readonly pictures: readonly ImageRecord[];
  /** Training images with their augmented versions, one entry for each training image. */
  readonly augmented: readonly AugmentationRecord[];
  /** Grad-CAM heat maps. Empty if no heat maps were requested. */
  readonly gradCams: readonly GradCamRecord[];
}
