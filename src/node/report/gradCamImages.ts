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
 * Where each task looked in `count` of the images that a report shows as random samples: for the label it answered, or for the
 * side of the mean answer on which its number is. A task that has no feature map, or whose weights make no numbers, has no
 * pictures.
 */
export async function createGradCamImages<T extends Tasks>(
  model: MultiTaskModel<T>,
  record: Pick<RunRecord, 'tasks' | 'answers'>,
  validation: Dataset<LabelsOf<T>>,
  count: number,
): Promise<GradCamImage[]> {
  const places = new Map(validation.ids.map((id, i) => [id, i]));
  const shown = selectRandomAnswers(record.answers, count);
  if (shown.length === 0) return [];
  const images = await Promise.all(shown.map(({ id }) => validation.read(places.get(id)!)));
  const heats = (task: string, target?: 'higher' | 'lower') =>
    gradCam(model as unknown as MultiTaskModel<Tasks>, images, { task, ...(target && { target }) }).catch(
      (error: unknown) => {
        if (isMultitaskError(error) && ['argument', 'number'].includes(error.kind)) return [];
        throw error;
      },
    );
  const pictures: GradCamImage[] = [];
  for (const { name: task, labels } of selectTasksWithImages(record)) {
    const numberOf = ({ answers }: PredictionRecord) => answers[task] as number;
    const mean = record.answers.reduce((sum, answer) => sum + numberOf(answer), 0) / record.answers.length;
    const maps = await heats(task, labels ? undefined : 'higher');
    const lower = labels || maps.length === 0 ? [] : await heats(task, 'lower');
    for (const [i, map] of maps.entries()) {
      const heat = !labels && numberOf(shown[i]!) < mean ? lower[i]! : map;
      pictures.push({ id: shown[i]!.id, task, toward: heat.target, image: heatOverlay(images[i]!, heat) });
    }
  }
  return pictures;
}
