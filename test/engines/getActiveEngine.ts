import { Engine } from '../../src/engines/engine.js';
import { getEngineInstance, getProcessState } from '../../src/engines/processState.js';

/** Returns the active engine, or undefined before the first engine starts. */
export function getActiveEngine(): Engine | undefined {
  const { activeEngine } = getProcessState();
  return activeEngine && getEngineInstance(activeEngine, () => new Engine(activeEngine));
}
