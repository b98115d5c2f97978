import { escapeText } from '../core/errors/escapeText.js';
/**
 * Name of an engine. `onnx` is ONNX Runtime, which runs a training step as one compiled graph. All other engines are TensorFlow.js
 * backends.
 *
 * @category Engines
 */
export type EngineName = 'native' | 'onnx' | 'wasm' | 'webgpu' | 'webgl' | 'cpu';

/**
 * The engine that was chosen for a run, and why.
 *
 * @category Engines
 */
export interface EngineChoice {
  /** Name of the chosen engine. */
  readonly name: EngineName;
  /** Why this engine was chosen, as text for logs: `ONNX Runtime is installed, onnxruntime-node 1.20.0`. */
  readonly reason: string;
  /** A faster engine that is not installed or does not start, and the command that installs it. */
  readonly fasterEngine?: {
    /** Name of the faster engine. */
    readonly name: EngineName;
    /** Shell command that installs it. */
    readonly install: string;
  };
}

/** Returns the lines of a log about an engine: its name and the reason, and the command that installs a faster engine, if there is one. */
export function formatEngineChoice({ name, reason, fasterEngine }: EngineChoice): string[] {
  const lines = [`engine ${name}: ${escapeText(reason)}`];
  if (fasterEngine?.name === 'onnx') lines.push(`for more speed: ${fasterEngine.install}`);
  return lines;
}

/** The choices of runs whose option `log` received the lines of {@link formatEngineChoice}. */
const loggedChoices = new WeakSet<EngineChoice>();

/** Records that the log of a run contains its engine, so that no callback prints it again. */
export function markEngineLogged(choice: EngineChoice): void {
  loggedChoices.add(choice);
}

/** Whether the log of the run with this choice contains its engine. */
export const isEngineLogged = (choice: EngineChoice): boolean => loggedChoices.has(choice);
