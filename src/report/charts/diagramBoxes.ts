import type { ArchitectureRecord, CallSource, LayerRecord } from '../../core/records/architecture.js';

/** Maximum number of layers of the trunk or a task that are drawn individually. A diagram with 175 boxes is not readable. */
const MAX_LAYERS_PER_PART = 40;

/** A box of a diagram: either one layer, or a group of layers if the trunk or a task has too many layers to draw individually. */
export type DiagramBox = LayerRecord & {
  /** Number of layers that the box represents. */
  readonly layerCount: number;
};

/**
 * Returns the boxes of a diagram: one for each layer. If the trunk or a task has more than 40 layers, for example because it
 * contains a backbone, consecutive layers whose names start with the same stage (`conv4` in `conv4_block1_out`) share a box.
 */
export function createDiagramBoxes({ layers }: ArchitectureRecord): DiagramBox[] {
  const counts = new Map<string, number>();
  for (const { part } of layers) counts.set(part, (counts.get(part) ?? 0) + 1);
  const boxNames = new Map<string, string>();
  const boxLayers = new Map<string, LayerRecord[]>();
  let previous = '';
  for (const layer of layers) {
    const isGrouped = counts.get(layer.part)! > MAX_LAYERS_PER_PART && layer.part !== 'input';
    const stage = isGrouped ? `${layer.part}/${getStageName(layer.name)}` : layer.name;
    // If a stage occurs again later, it gets a second box. Otherwise, the arrows would form a cycle.
    const isRepeated = boxLayers.has(stage) && stage !== previous;
    const box = isRepeated ? `${stage}/${layer.name}` : stage;
    boxNames.set(layer.name, box);
    boxLayers.set(box, [...(boxLayers.get(box) ?? []), layer]);
    previous = box;
  }
  return [...boxLayers].map(([name, members]) => {
    const last = members.at(-1)!;
    const sources = members.flatMap((layer) => layer.inputs.map((source) => boxNames.get(source) ?? source));
    const inputs = [...new Set(sources)].filter((source) => source !== name);
    const calls = collectBoxCalls(members, name, boxNames);
    if (members.length === 1) return { ...last, name, inputs, calls, layerCount: 1 };
    return {
      ...last,
      name,
      kind: getStageName(last.name),
      detail: `${members.length} layers`,
      parameters: members.reduce((sum, { parameters }) => sum + parameters, 0),
      trainable: members.some(({ trainable, parameters }) => trainable && parameters > 0),
      inputs,
      calls,
      layerCount: members.length,
    };
  });
}

/** Returns one list for each call of a box. The list contains the other boxes from which the call receives its inputs. */
function collectBoxCalls(
  members: readonly LayerRecord[],
  name: string,
  boxNames: ReadonlyMap<string, string>,
): CallSource[][] {
  const callCount = Math.max(...members.map(({ calls }) => calls.length));
  return Array.from({ length: callCount }, (_, i) => {
    const sources = new Map<string, CallSource>();
    for (const { layer, call } of members.flatMap(({ calls }) => calls[i] ?? [])) {
      const box = boxNames.get(layer) ?? layer;
      if (box !== name) sources.set(`${box} ${call}`, { layer: box, call });
    }
    return [...sources.values()];
  });
}

/**
 * Returns the backbone stage to which a layer belongs, according to the name of the layer, for example `conv4` for
 * `conv4_block1_out`, `block_13` for `block_13_expand`, and `stem` for `stem_conv`.
 */
const getStageName = (name: string) => /^[A-Za-z]+(?:_?\d+)?/.exec(name)?.[0] ?? name;
