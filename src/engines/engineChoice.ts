import { escapeText } from '../core/errors/escapeText.js';
/**
 * Name of an engine. `onnx` is ONNX Runtime, which runs a training step as one compiled graph. All other engines are TensorFlow.js
 * backends.
 *
 * @category Engines
 */
export type EngineName = 'native' | 'onnx' | 'wasm' | 'webgpu' | 'webgl' | 'cpu';

/**
 * The engine that was chosen for a run, and the reason for the choice.
 *
 * @category Engines
 */
export interface EngineChoice {
  /** Name of the chosen engine. */
  readonly name: EngineName;
  /** Reason why this engine was chosen, as text for logs, for example `ONNX Runtime is installed, onnxruntime-node 1.20.0`. */
  readonly reason: string;
  /** A faster engine that is not installed or does not start, and the command that installs it. */
  readonly fasterEngine?: {
    /** Name of the faster engine. */
    readonly name: EngineName;
    /** Shell command that installs the faster engine. */
    readonly install: string;
  };
}

/**
 * Returns log lines about an engine: its name, the reason for the choice, and the command that installs a faster engine, if there is one.
 */
export function formatEngineChoice({ name, reason, fasterEngine }: EngineChoice): string[] {
  const lines = [`engine ${name}: ${escapeText(reason)}`];
  if (fasterEngine?.name === 'onnx') lines.push(`for more speed: ${fasterEngine.install}`);
  return lines;
}

/** Engine choices of the runs whose `log` option has received the lines from {@link formatEngineChoice}. */
const loggedChoices = new WeakSet<EngineChoice>();

/** Records that an engine choice has been logged, so that no callback prints it again. */
export function markEngineLogged(choice: EngineChoice): void {
  loggedChoices.add(choice);
}

/** Returns whether an engine choice has been logged. */
export const isEngineLogged = (choice: EngineChoice): boolean => loggedChoices.has(choice);
