import * as checks from '../../core/errors/checks.js';
import type { ArchitectureRecord, LayerRecord } from '../../core/records/architecture.js';
import { truncateMiddle } from '../text/format.js';
import { escapeXml, FONT_FAMILY } from '../text/svgText.js';
import type { GraphvizTool } from './chartTools.js';
import { createDiagramBoxes, type DiagramBox } from './diagramBoxes.js';

/** Fill colors of the boxes. The first pattern that matches the class name of a layer selects the color of its box. */
const LAYER_COLORS: readonly (readonly [kind: RegExp, color: string])[] = [
  [/Conv/, '#dbe7f9'],
  [/Pool/, '#dcefdc'],
  [/Normalization/, '#f7ecd0'],
  [/Dense/, '#e9dff5'],
];

/** Fill color of a box that represents several layers. */
const STAGE_COLOR = '#eef2f7';

/**
 * Draws the architecture of a network, and returns the diagram as SVG text. The diagram contains a box for each layer, with its
 * kind, options, output shape and number of parameters, and a frame around the trunk and each task. If the trunk or a task has more
 * than 40 layers, for example because it contains a backbone, each box represents a group of layers.
 *
 * @param architecture - Architecture that `model.architecture()` returned.
 * @param graphviz - Graphviz, for the layout. `architectureDiagram` of `tfjs-multitask/node` loads Graphviz itself.
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
  checks.noOptions('architectureDiagram', arguments[2]);
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
  const repeatedParts = parts.filter((part) =>
    layers.some((layer) => layer.part === part && layer.calls.length > 1),
  );
  const columnWidths = computeColumnWidths(layers);
  const toNode = (box: DiagramBox) => toDotNode(box, columnWidths);
  const title = [
    `${formatInteger(parameters)} parameters${frozen > 0 ? `, ${formatInteger(frozen)} of them not trained` : ''}`,
    ...repeatedParts.map(
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
  .map(toNode)
  .join('\n')}
${parts
  .map((part, i) => {
    const members = layers.filter((layer) => layer.part === part);
    const sum = members.reduce((total, layer) => total + layer.parameters, 0);
    const name = formatPartName(part);
    // The title is on the side of the frame where no arrow enters: arrows enter in the middle of the frame or from the middle of
    // the diagram.
    const side = part !== 'trunk' && 2 * branches.indexOf(part) >= branches.length ? 'r' : 'l';
    return `subgraph "cluster${i}" { style="rounded"; color="#d0d7de"; penwidth=1.2; margin=14; labelloc=t;
labeljust=${side}; fontsize=11;
label=<<table border="0" cellborder="0" cellspacing="0" cellpadding="3"><tr><td width="${name.length * 7 + 4}" align="left"><font face="Helvetica-Bold">${escapeXml(name)}</font></td></tr><tr><td align="left"><font color="#656d76" point-size="10">${formatInteger(sum)} parameters</font></td></tr></table>>;
${members.map(toNode).join('\n')}
}
${2 * i === parts.length - 1 ? createCenteringNodes(layers) : ''}`;
  })
  .join('\n')}
${layers.flatMap(toDotEdges).join('\n')}
}`;
}

const formatPartName = (part: string) => (part === 'trunk' ? 'shared trunk' : truncateMiddle(part, 22));

/**
 * Creates an invisible node below each layer that has an even number of successors, so that Graphviz centers the layer above its
 * successors.
 */
function createCenteringNodes(layers: readonly LayerRecord[]): string {
  return layers
    .filter(({ name }) => {
      const successorCount = layers.filter(({ inputs }) => inputs.includes(name)).length;
      return successorCount > 0 && successorCount % 2 === 0;
    })
    .map(
      ({
        name,
      }) => `subgraph ${quote(`cluster below ${name}`)} { style=invis; margin=0; label=""; ${quote(`below ${name}`)} [style=invis shape=point width=0.01]; }
${quote(name)} -> ${quote(`below ${name}`)} [style=invis weight=50];`,
    )
    .join('\n');
}

/**
 * Arrow styles for the calls of a shared layer, in the order of the calls. With one style per call, a reader can follow each input
 * of the layer to its output.
 */
const CALL_EDGE_STYLES = [
  'color="#8c959f"',
  'color="#0b7285" style="dashed"',
  'color="#a61e4d" style="dotted" penwidth=1.6',
  'color="#5f3dc4" style="bold"',
] as const;

function toDotEdges({ name, calls }: LayerRecord): string[] {
  return calls.flatMap((sources, call) =>
    sources.map(({ layer, call: sourceCall }) => {
      const style = CALL_EDGE_STYLES[Math.max(call, sourceCall) % CALL_EDGE_STYLES.length];
      return `${quote(layer)} -> ${quote(name)} [${style}];`;
    }),
  );
}

/** Returns the contents of the four cells of a box: kind, options, output shape and number of parameters. */
function createRowTexts({ kind, detail, outputShape, parameters, trainable }: DiagramBox) {
  return [
    kind === 'InputLayer' ? 'images' : kind,
    [detail, !trainable && parameters > 0 && 'frozen'].filter(Boolean).join(', '),
    outputShape.join('×'),
    parameters > 0 ? formatInteger(parameters) : '',
  ] as const;
}

/**
 * Computes the widths of the four columns of a box in points. The widths are computed here for text in Inter at 11 points,
 * because Graphviz would measure the text in a different font.
 */
function computeColumnWidths(boxes: readonly DiagramBox[]): readonly number[] {
  const longest = [0, 1, 2, 3].map((column) =>
    Math.max(...boxes.map((box) => createRowTexts(box)[column]!.length)),
  );
  return [7.2, 6.2, 6.8, 6.8].map((characterWidth, column) =>
    Math.max([112, 86, 80, 56][column]!, Math.ceil(characterWidth * longest[column]!) + 12),
  );
}

/** Returns the node of a box in the DOT language of Graphviz: a table with one row. */
function toDotNode(box: DiagramBox, [first, second, third, fourth]: readonly number[]): string {
  const { name, kind, parameters, layerCount } = box;
  const [title, options, shape] = createRowTexts(box);
  const fill =
    layerCount > 1 ? STAGE_COLOR : (LAYER_COLORS.find(([pattern]) => pattern.test(kind))?.[1] ?? '#f3f4f6');
  const gray = (text: string) => `<font color="#57606a">${escapeXml(text)}</font>`;
  return `${quote(name)} [label=<<table border="0" cellborder="0" cellspacing="0" cellpadding="5" style="rounded" bgcolor="${fill}"><tr>
<td align="left" width="${first}"><font face="Helvetica-Bold">${escapeXml(title)}</font></td>
<td align="left" width="${second}">${options ? gray(options) : ' '}</td>
<td align="right" width="${third}">${shape}</td>
<td align="right" width="${fourth}">${parameters > 0 ? gray(formatInteger(parameters)) : ' '}</td></tr></table>>];`;
}

const quote = (name: string) => JSON.stringify(name);

/** Formats an integer with thousands separators, independently of the machine's locale, for example `1,045,058`. */
const formatInteger = (value: number) => value.toLocaleString('en-US');
