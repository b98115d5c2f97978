import { countElements } from '../../../core/arrays.js';
import { encodeOnnxModel } from '../../../formats/onnxModel.js';
import { type InferenceFunction, type LayerGraph, runInference } from '../../../network/layerGraph.js';
import { tf } from '../../../tensor/tf.js';
import { lowerTrace } from '../lower/traceLowering.js';
import { type TraceablePass, tracePair } from '../trace/tracePair.js';

/** Descriptions and metadata of an ONNX file. */
export interface GraphDescription {
  /** Description of every input. */
  readonly inputDescription: string;
  /** Description of each output, in output order. */
  readonly outputDescriptions: readonly string[];
  /** Description of the whole graph. */
  readonly modelDescription: string;
  /** Key-value pairs that tools can read from the file. */
  readonly metadata: { readonly [key: string]: string };
}

/**
 * Compiles a graph in inference mode to the bytes of an ONNX file, with its weights as constants. Inputs and outputs have the names of the
 * graph, and accept any batch size. The graph is traced on the TensorFlow.js backend in use, which must read tensors synchronously.
 *
 * @throws `engine` error with the operation and its layer if an operation cannot be compiled or depends on the batch size.
 */
export function exportGraph(
  graph: LayerGraph | InferenceFunction,
  description?: GraphDescription,
): Uint8Array {
  const [first, second] = tracePair(createPredictionPass(graph), [2, 3], false);
  const { nodes, initializers } = lowerTrace(first.trace, second.trace, first.inputs, first.outputs);
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

/** Creates the pass to trace. The examples differ from each other, and the two traces have different examples. */
function createPredictionPass(graph: LayerGraph | InferenceFunction): TraceablePass {
  return (batchSize) => {
    const inputs = graph.inputs.map(({ shape }) => createExampleBatch([batchSize, ...shape]));
    const outputs = runInference(graph, inputs);
    return { inputs: toNamedTensors(graph.inputs, inputs), outputs: toNamedTensors(graph.outputs, outputs) };
  };
}

function createExampleBatch(shape: [batchSize: number, ...example: number[]]): tf.Tensor {
  const [batchSize] = shape;
  return tf.tensor(
    Float32Array.from({ length: countElements(shape) }, (_, i) => ((i * 7 + batchSize * 13) % 97) / 97),
    shape,
  );
}

const toNamedTensors = (endpoints: InferenceFunction['outputs'], tensors: readonly tf.Tensor[]) =>
  Object.fromEntries(endpoints.map(({ name }, i) => [name, tensors[i]!]));
