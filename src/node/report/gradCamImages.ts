import { isMultitaskError } from '../../core/errors/errors.js';
import { selectRandomAnswers, selectTasksWithImages } from '../../core/records/answerSelection.js';
import type { PredictionRecord, RunRecord } from '../../core/records/runRecord.js';
import type { Dataset } from '../../data/dataset.js';
import { gradCam } from '../../explain/gradCam.js';
import type { MultiTaskModel } from '../../model/multiTaskModel.js';
import type { GradCamImage } from '../../recording/saveRunImages.js';
import { heatOverlay } from '../../report/charts/heatOverlay.js';
import type { LabelsOf, Tasks } from '../../tasks/task.js';

/**
 * Creates Grad-CAM heat maps of each task for the first `count` validation images that a report shows as random samples.
 *
 * - A classification is explained for the predicted label.
 * - A regression is explained toward `higher` or `lower`, depending on whether the prediction is above or below the mean.
 * - No heat maps are created for a task without a feature map, or if weights of the model are NaN or infinite.
 */
export async function createGradCamImages<T extends Tasks>(
  model: MultiTaskModel<T>,
  record: Pick<RunRecord, 'tasks' | 'answers'>,
  validation: Dataset<LabelsOf<T>>,
  count: number,
): Promise<GradCamImage[]> {
  const indices = new Map(validation.ids.map((id, i) => [id, i]));
  const shown = selectRandomAnswers(record.answers, count);
  if (shown.length === 0) return [];
  const images = await Promise.all(shown.map(({ id }) => validation.read(indices.get(id)!)));
  const computeHeatMaps = (task: string, target?: 'higher' | 'lower') =>
    gradCam(model as unknown as MultiTaskModel<Tasks>, images, { task, ...(target && { target }) }).catch(
      (error: unknown) => {
        if (isMultitaskError(error) && ['argument', 'number'].includes(error.kind)) return [];
        throw error;
      },
    );
  const pictures: GradCamImage[] = [];
  for (const { name: task, labels } of selectTasksWithImages(record)) {
    const getPrediction = ({ answers }: PredictionRecord) => answers[task] as number;
    const mean =
      record.answers.reduce((sum, answer) => sum + getPrediction(answer), 0) / record.answers.length;
    const maps = await computeHeatMaps(task, labels ? undefined : 'higher');
    const lowerMaps = labels || maps.length === 0 ? [] : await computeHeatMaps(task, 'lower');
    for (const [i, map] of maps.entries()) {
      const heat = !labels && getPrediction(shown[i]!) < mean ? lowerMaps[i]! : map;
      pictures.push({ id: shown[i]!.id, task, toward: heat.target, image: heatOverlay(images[i]!, heat) });
    }
  }
  return pictures;
}
