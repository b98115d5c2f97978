import type { ArchitectureRecord, CallSource, LayerRecord } from '../../core/records/architecture.js';

/** More layers than this in one part are drawn as stages: a picture of 175 boxes shows nothing. */
const MAX_LAYERS_PER_PART = 40;

/** A box of a diagram: a layer, or a stage of a part too long to show whole. */
export type DiagramBox = LayerRecord & {
  /** How many layers it stands for. */
  readonly layerCount: number;
};

/**
 * What a diagram shows of a network: its layers, but for parts of more than forty, such as a backbone, whose neighbours
 * with one stage in their names (`conv4_block1_out`, `block_13_expand`, `block6a_dwconv`) are one box.
 */
export function createDiagramBoxes({ layers }: ArchitectureRecord): DiagramBox[] {
  const counts = new Map<string, number>();
  for (const { part } of layers) counts.set(part, (counts.get(part) ?? 0) + 1);
  const boxOf = new Map<string, string>();
  const members = new Map<string, LayerRecord[]>();
  let last = '';
  for (const layer of layers) {
    const folds = counts.get(layer.part)! > MAX_LAYERS_PER_PART && layer.part !== 'input';
    const stage = folds ? `${layer.part}/${getStageName(layer.name)}` : layer.name;
    // A stage that comes again later is another box, or arrows would run in a circle.
    const again = members.has(stage) && stage !== last;
    const box = again ? `${stage}/${layer.name}` : stage;
    boxOf.set(layer.name, box);
    members.set(box, [...(members.get(box) ?? []), layer]);
    last = box;
  }
  return [...members].map(([name, own]) => {
    const end = own.at(-1)!;
    const inputs = own.flatMap((layer) => layer.inputs.map((from) => boxOf.get(from) ?? from));
    const known = [...new Set(inputs)].filter((from) => from !== name);
    const calls = collectBoxCalls(own, name, boxOf);
    if (own.length === 1) return { ...end, name, inputs: known, calls, layerCount: 1 };
    return {
      ...end,
      name,
      kind: getStageName(end.name),
      detail: `${own.length} layers`,
      parameters: own.reduce((sum, { parameters }) => sum + parameters, 0),
      trainable: own.some(({ trainable, parameters }) => trainable && parameters > 0),
      inputs: known,
      calls,
      layerCount: own.length,
    };
  });
}

/** What feeds each call of a box from outside of it. */
function collectBoxCalls(
  own: readonly LayerRecord[],
  name: string,
  boxOf: ReadonlyMap<string, string>,
): CallSource[][] {
  const most = Math.max(...own.map(({ calls }) => calls.length));
  return Array.from({ length: most }, (_, i) => {
    const sources = own.flatMap(({ calls }) => calls[i] ?? []);
    const known = new Map<string, CallSource>();
    for (const { layer, call } of sources) {
      const box = boxOf.get(layer) ?? layer;
      if (box !== name) known.set(`${box} ${call}`, { layer: box, call });
    }
    return [...known.values()];
  });
}

/** `conv4` of `conv4_block1_out`, `block_13` of `block_13_expand`, `stem` of `stem_conv`. */
const getStageName = (name: string) => /^[A-Za-z]+(?:_?\d+)?/.exec(name)?.[0] ?? name;
