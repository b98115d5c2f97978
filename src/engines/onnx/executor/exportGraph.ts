import { countElements } from '../../../core/arrays.js';
import { encodeOnnxModel } from '../../../formats/onnxModel.js';
import { type InferenceFunction, type LayerGraph, runInference } from '../../../network/layerGraph.js';
import { tf } from '../../../tensor/tf.js';
import { lowerTrace } from '../lower/traceLowering.js';
import { type TraceablePass, tracePair } from '../trace/tracePair.js';

/** Descriptions and metadata that are stored in an ONNX file. */
export interface GraphDescription {
  /** Description that is stored for each input. */
  readonly inputDescription: string;
  /** Descriptions of the outputs, in the order of the outputs. */
  readonly outputDescriptions: readonly string[];
  /** Description of the whole model. */
  readonly modelDescription: string;
  /** Key-value pairs that tools can read from the file. */
  readonly metadata: { readonly [key: string]: string };
}

/**
 * Compiles a graph in inference mode to an ONNX file, with the current weights as constants. Returns the bytes of the file. Inputs and
 * outputs have the same names as in `graph`, and the batch size is variable. The graph is traced on the active TensorFlow.js backend, which
 * must support `dataSync()`.
 *
 * @throws `engine` error that names the operation and its layer if the operation cannot be compiled, or reads the batch size in JavaScript.
 */
export function exportGraph(
  graph: LayerGraph | InferenceFunction,
  description?: GraphDescription,
): Uint8Array {
  const [first, second] = tracePair(createPredictionPass(graph), [2, 3], {
    limitsHeap: tf.getBackend() === 'wasm',
  });
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

/**
 * Creates the function to trace, which runs the graph on generated inputs. All inputs have different values, also across the two traces, so
 * that no input value looks like a constant.
 */
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
