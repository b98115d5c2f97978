import type { ArchitectureRecord, LayerRecord } from '../../core/records/architecture.js';
import { truncateMiddle } from '../text/format.js';
import { escapeXml, FONT_FAMILY } from '../text/svgText.js';
import type { GraphvizTool } from './chartTools.js';
import { createDiagramBoxes, type DiagramBox } from './diagramBoxes.js';

/** What a kind of layer is coloured by: what it does to the image. */
const LAYER_COLORS: readonly (readonly [kind: RegExp, colour: string])[] = [
  [/Conv/, '#dbe7f9'],
  [/Pool/, '#dcefdc'],
  [/Normalization/, '#f7ecd0'],
  [/Dense/, '#e9dff5'],
];

const STAGE_COLOR = '#eef2f7';

/**
 * A built network as a diagram, SVG text: a box for each layer with its kind, its settings, the shape that leaves it and its
 * number of parameters; the trunk and each task framed. In a part of more than forty layers, a backbone, a box is a stage.
 *
 * @param architecture - `model.architecture()`.
 * @param graphviz - Lays the boxes out; `architectureDiagram` of `tfjs-multitask/node` brings its own.
 * @example
 * ```ts
 * import { Graphviz } from '@hpcc-js/wasm-graphviz';
 * import { branch, conv, flatten, multiTask, regression } from 'tfjs-multitask';
 * import { architectureDiagram } from 'tfjs-multitask/report';
 *
 * const model = multiTask({ input: [16, 16, 3] })
 *   .task('age', regression({ unit: 'years' }), branch([conv(4, 3), flatten()]))
 *   .build();
 * console.log(architectureDiagram(model.architecture(), await Graphviz.load()).length > 1000); // true
 * ```
 * @category Figures
 */
export function architectureDiagram(architecture: ArchitectureRecord, graphviz: GraphvizTool): string {
  const svg = graphviz.dot(toDot(architecture));
  return svg
    .slice(svg.indexOf('<svg'))
    .replace(
      /font-family="Helvetica-Bold[^"]*"(?: font-weight="bold")?/g,
      `font-family="${FONT_FAMILY}" font-weight="600"`,
    )
    .replace(/font-family="Helvetica[^"]*"/g, `font-family="${FONT_FAMILY}"`);
}

function toDot(architecture: ArchitectureRecord): string {
  const { parameters, trainableParameters } = architecture;
  const layers = createDiagramBoxes(architecture);
  const parts = [...new Set(layers.map(({ part }) => part))].filter((part) => part !== 'input');
  const branches = parts.filter((part) => part !== 'trunk');
  const frozen = parameters - trainableParameters;
  const again = parts.filter((part) => layers.some((layer) => layer.part === part && layer.calls.length > 1));
  const columns = computeColumnWidths(layers);
  const boxOf = (box: DiagramBox) => toDotNode(box, columns);
  const title = [
    `${formatInteger(parameters)} parameters${frozen > 0 ? `, ${formatInteger(frozen)} of them not trained` : ''}`,
    ...again.map(
      (part) => `the ${formatPartName(part)} runs once for each kind of arrow, with the same weights`,
    ),
  ].map(escapeXml);
  return `digraph {
rankdir=TB; bgcolor="white"; nodesep=0.35; ranksep=0.16; pad=0.25; fontname="Helvetica"; fontsize=13;
label=<<font color="#656d76">${title.join('<br/>')}</font>>; labelloc=b;
node [shape=plain fontname="Helvetica" fontsize=11 fontcolor="#1f2328"];
edge [color="#8c959f" arrowsize=0.5 penwidth=1.1];
${layers
  .filter(({ part }) => part === 'input')
  .map(boxOf)
  .join('\n')}
${parts
  .map((part, i) => {
    const own = layers.filter((layer) => layer.part === part);
    const sum = own.reduce((total, layer) => total + layer.parameters, 0);
    const name = formatPartName(part);
    // The arrow into a part comes down its middle, or towards it from the middle of the diagram.
    const side = part !== 'trunk' && 2 * branches.indexOf(part) >= branches.length ? 'r' : 'l';
    return `subgraph "cluster${i}" { style="rounded"; color="#d0d7de"; penwidth=1.2; margin=14; labelloc=t;
labeljust=${side}; fontsize=11; // where the arrows from the trunk do not cross it
label=<<table border="0" cellborder="0" cellspacing="0" cellpadding="3"><tr><td width="${name.length * 7 + 4}" align="left"><font face="Helvetica-Bold">${escapeXml(name)}</font></td></tr><tr><td align="left"><font color="#656d76" point-size="10">${formatInteger(sum)} parameters</font></td></tr></table>>;
${own.map(boxOf).join('\n')}
}
${2 * i === parts.length - 1 ? createCenteringNodes(layers) : ''}`;
  })
  .join('\n')}
${layers.flatMap(toDotEdges).join('\n')}
}`;
}

const formatPartName = (part: string) => (part === 'trunk' ? 'shared trunk' : truncateMiddle(part, 22));

/** Where an even number of branches leaves one layer: an unseen node between them, so that it stands above their middle. */
function createCenteringNodes(layers: readonly LayerRecord[]): string {
  return layers
    .filter(({ name }) => {
      const heads = layers.filter(({ inputs }) => inputs.includes(name)).length;
      return heads > 0 && heads % 2 === 0;
    })
    .map(
      ({
        name,
      }) => `subgraph ${quote(`cluster below ${name}`)} { style=invis; margin=0; label=""; ${quote(`below ${name}`)} [style=invis shape=point width=0.01]; }
${quote(name)} -> ${quote(`below ${name}`)} [style=invis weight=50];`,
    )
    .join('\n');
}

/** How the arrows of a shared layer's calls look, in their order: each view of the image can be followed to its branches. */
const CALL_EDGE_STYLES = [
  'color="#8c959f"',
  'color="#0b7285" style="dashed"',
  'color="#a61e4d" style="dotted" penwidth=1.6',
  'color="#5f3dc4" style="bold"',
] as const;

function toDotEdges({ name, calls }: LayerRecord): string[] {
  return calls.flatMap((sources, call) =>
    sources.map(({ layer, call: from }) => {
      const look = CALL_EDGE_STYLES[Math.max(call, from) % CALL_EDGE_STYLES.length];
      return `${quote(layer)} -> ${quote(name)} [${look}];`;
    }),
  );
}

/** What a row says: kind and settings at the left, shape and parameters at the right. */
function createRowTexts({ kind, detail, outputShape, parameters, trainable }: DiagramBox) {
  return [
    kind === 'InputLayer' ? 'images' : kind,
    [detail, !trainable && parameters > 0 && 'frozen'].filter(Boolean).join(', '),
    outputShape.join('×'),
    parameters > 0 ? formatInteger(parameters) : '',
  ] as const;
}

/** Widths in which the longest text of each column stands, in Inter at 11 points; Graphviz knows another font. */
function computeColumnWidths(boxes: readonly DiagramBox[]): readonly number[] {
  const longest = [0, 1, 2, 3].map((at) => Math.max(...boxes.map((box) => createRowTexts(box)[at]!.length)));
  return [7.2, 6.2, 6.8, 6.8].map((wide, at) =>
    Math.max([112, 86, 80, 56][at]!, Math.ceil(wide * longest[at]!) + 12),
  );
}

/** One row. */
function toDotNode(box: DiagramBox, [first, second, third, fourth]: readonly number[]): string {
  const { name, kind, parameters, layerCount } = box;
  const [title, settings, shape] = createRowTexts(box);
  const fill =
    layerCount > 1 ? STAGE_COLOR : (LAYER_COLORS.find(([pattern]) => pattern.test(kind))?.[1] ?? '#f3f4f6');
  const grey = (text: string) => `<font color="#57606a">${escapeXml(text)}</font>`;
  return `${quote(name)} [label=<<table border="0" cellborder="0" cellspacing="0" cellpadding="5" style="rounded" bgcolor="${fill}"><tr>
<td align="left" width="${first}"><font face="Helvetica-Bold">${escapeXml(title)}</font></td>
<td align="left" width="${second}">${settings ? grey(settings) : ' '}</td>
<td align="right" width="${third}">${shape}</td>
<td align="right" width="${fourth}">${parameters > 0 ? grey(formatInteger(parameters)) : ' '}</td></tr></table>>];`;
}

const quote = (name: string) => JSON.stringify(name);

/** Thousands apart, the same everywhere: `1,045,058`. */
const formatInteger = (value: number) => value.toLocaleString('en-US');
