import { isMultitaskError } from '../core/errors.js';
import type { RunRecord } from '../core/runRecord.js';
import type { Dataset } from '../data/dataset.js';
import { heatOverlay } from '../report/heatOverlay.js';
import type { GradCamPicture } from '../report/keepPictures.js';
import { picturedTasks, randomAnswers } from '../report/selection.js';
import type { LabelsOf, Tasks } from '../tasks/task.js';
import { gradCam } from '../training/gradCam.js';
import type { MultiTaskModel } from '../training/model.js';

/**
 * Where each task looked in `count` of the images that a report shows as random samples. A task that has no feature map, or
 * whose weights make no numbers, has no pictures.
 */
export async function gradCamPictures<T extends Tasks>(
  model: MultiTaskModel<T>,
  record: Pick<RunRecord, 'tasks' | 'answers'>,
  validation: Dataset<LabelsOf<T>>,
  count: number,
): Promise<GradCamPicture[]> {
  const places = new Map(validation.ids.map((id, i) => [id, i]));
  const shown = randomAnswers(record.answers, count).map(({ id }) => id);
  const images = await Promise.all(shown.map((id) => validation.read(places.get(id)!)));
  const pictures: GradCamPicture[] = [];
  for (const { name: task } of images.length > 0 ? picturedTasks(record) : []) {
    const heats = await gradCam(model, images, { task }).catch((error: unknown) => {
      if (isMultitaskError(error) && ['argument', 'number'].includes(error.kind)) return [];
      throw error;
    });
    for (const [i, heat] of heats.entries()) {
      pictures.push({ id: shown[i]!, task, image: heatOverlay(images[i]!, heat) });
    }
  }
  return pictures;
}
