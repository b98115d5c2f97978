import type { Json } from '../json.js';
import type { ArchitectureRecord } from './architecture.js';
import type { HistoryRecord } from './history.js';

/**
 * A label or an answer as plain numbers and words: a regression's number, or the probability of each label in the order of
 * the task's labels.
 *
 * @category Figures
 */
export type PredictionValue = number | readonly number[];

/**
 * What one validation image was, and what the network said of it.
 *
 * @category Figures
 */
export interface PredictionRecord {
  /** The image, as the dataset names it. */
  readonly id: string;
  /** By task: a number, or a label. A missing label is absent. */
  readonly labels: { readonly [task: string]: number | string };
  /** By task. */
  readonly answers: { readonly [task: string]: PredictionValue };
  /** What the image belongs to, `{ sex: 'female' }`: errors are told for each. */
  readonly groups: { readonly [group: string]: string };
}

/**
 * How the labels of one part of the data are distributed.
 *
 * @category Figures
 */
export interface SplitRecord {
  /** Number of images. */
  readonly size: number;
  /** By task: how often each label occurs, sorted. */
  readonly labels: { readonly [task: string]: readonly (readonly [label: number | string, count: number])[] };
  /** The same of each group. */
  readonly groups: { readonly [group: string]: readonly (readonly [name: string, count: number])[] };
}

/**
 * A small picture of a run: a file beside its record.
 *
 * @category Figures
 */
export interface ImageRecord {
  /** The image, as the dataset names it. */
  readonly id: string;
  /** Name of the file, `pictures/12.jpg`. */
  readonly file: string;
}

/**
 * An image, and pictures of what augmentation made of it.
 *
 * @category Figures
 */
export interface AugmentationRecord {
  /** The image, as the dataset names it. */
  readonly id: string;
  /** Names of the pictures' files, the image as it is first. */
  readonly files: readonly string[];
}

/**
 * What executed a run.
 *
 * @category Figures
 */
export interface EngineRecord {
  /** `onnx`, `native`, …. */
  readonly name: string;
  /** Why this one, a sentence for people. */
  readonly reason: string;
}

/**
 * Where a task looked in an image: a picture made by Grad-CAM.
 *
 * @category Figures
 */
export interface GradCamRecord {
  /** The image, as the dataset names it. */
  readonly id: string;
  /** Whose answer it explains. */
  readonly task: string;
  /** What its heat speaks for: a label, or a `higher` or `lower` number. */
  readonly toward: string;
  /** Name of the picture's file, below the folder of the run. */
  readonly image: string;
}

/**
 * A run as plain records, what `run.json` holds: all that a report needs, and no tensor.
 *
 * @category Figures
 */
export interface RunRecord extends HistoryRecord {
  /** Number of the layout. */
  readonly format: 1;
  /** A title for the reader: `Model A`. */
  readonly name: string;
  /** What was said of the run: where weights came from, what the figures do not say. */
  readonly remarks: readonly string[];
  /** The column whose best epoch was kept. */
  readonly monitor: string;
  /** The epoch whose model answered; absent: the best of `monitor`. */
  readonly keptEpoch?: number;
  /** Why it ended; absent while it runs. */
  readonly stopped?: string;
  /** What it was told: epochs, batch size, seed, …. */
  readonly arguments: { readonly [name: string]: Json };
  /** What executed it, and why. */
  readonly engine?: EngineRecord;
  /** Of the packages and the machine. */
  readonly versions: { readonly [name: string]: string };
  /** Layers, shapes and parameters. */
  readonly architecture: ArchitectureRecord;
  /** The images: what they are called for readers, their size, and the two parts. */
  readonly data: {
    /** `UTKFace`, or a folder. */
    readonly name: string;
    /** `[height, width, channels]`. */
    readonly shape: readonly number[];
    /** Files that could not be used. */
    readonly skipped: number;
    /** What was trained on. */
    readonly train: SplitRecord;
    /** What was judged. */
    readonly validation?: SplitRecord;
  };
  /** One for each validation image, not augmented; empty while it runs. */
  readonly answers: readonly PredictionRecord[];
  /** Small pictures of some validation images. */
  readonly pictures: readonly ImageRecord[];
  /** An image of the training part and what augmentation made of it: a row each. */
  readonly augmented: readonly AugmentationRecord[];
  /** Where tasks looked, if somebody asked. */
  readonly gradCams: readonly GradCamRecord[];
}
