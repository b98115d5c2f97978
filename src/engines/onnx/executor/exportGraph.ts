import { encodeOnnxModel } from '../../../formats/onnxModel.js';
import { type InferenceFunction, type LayerGraph, runInference } from '../../../network/layerGraph.js';
import { tf } from '../../../tensor/tf.js';
import { lowerTrace } from '../lower/traceLowering.js';
import { type TraceablePass, tracePair } from '../trace/tracePair.js';

/** Texts and metadata of an ONNX file. */
export interface GraphDescription {
  /** Description of every input. */
  readonly inputDescription: string;
  /** Descriptions of the outputs, in their order. */
  readonly outputDescriptions: readonly string[];
  readonly modelDescription: string;
  readonly metadata: { readonly [key: string]: string };
}

/**
 * Returns a graph in inference mode as the bytes of an ONNX file, with its weights as constants. Inputs and outputs have
 * their names from the graph, and any batch size. It traces on the TensorFlow.js backend in use, which must read synchronously.
 */
export function exportGraph(
  graph: LayerGraph | InferenceFunction,
  description?: GraphDescription,
): Uint8Array {
  const [two, three] = tracePair(createPredictionPass(graph), [2, 3], false);
  const { nodes, initializers } = lowerTrace(two.trace, three.trace, two.inputs, two.outputs);
  const toValueInfo = ({ name, shape }: InferenceFunction['outputs'][number], text = '') => ({
    name,
    shape: ['batch', ...shape],
    description: text,
  });
  return encodeOnnxModel({
    nodes,
    initializers,
    inputs: graph.inputs.map((input) => toValueInfo(input, description?.inputDescription)),
    outputs: graph.outputs.map((output, i) => toValueInfo(output, description?.outputDescriptions[i])),
    description: description?.modelDescription ?? '',
    metadata: description?.metadata ?? {},
  });
}

/** Creates the pass to trace. Its examples differ from each other and between the two batch sizes. */
function createPredictionPass(graph: LayerGraph | InferenceFunction): TraceablePass {
  return (count) => {
    const inputs = graph.inputs.map(({ shape }) => createExampleBatch([count, ...shape], count));
    const outputs = runInference(graph, inputs);
    return { inputs: toNamedTensors(graph.inputs, inputs), outputs: toNamedTensors(graph.outputs, outputs) };
  };
}

function createExampleBatch(shape: number[], count: number): tf.Tensor {
  const size = shape.reduce((product, side) => product * side, 1);
  return tf.tensor(
    Float32Array.from({ length: size }, (_, i) => ((i * 7 + count * 13) % 97) / 97),
    shape,
  );
}

const toNamedTensors = (ports: InferenceFunction['outputs'], tensors: readonly tf.Tensor[]) =>
  Object.fromEntries(ports.map(({ name }, i) => [name, tensors[i]!]));
