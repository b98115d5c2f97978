import type { EngineInfo } from './engineProcess.js';

/**
 * Throws an error if the networks of two engines have different numbers of parameters, because their times could not be compared then.
 * Engines that report no numbers are ignored.
 */
export function checkParameters(infos: readonly (readonly [engine: string, info: EngineInfo])[]): void {
  let first: { readonly engine: string; readonly description: string } | undefined;
  for (const [engine, { parameters }] of infos) {
    if (!parameters) continue;
    const description = `${parameters.total} parameters, ${parameters.trainable} of them trainable`;
    first ??= { engine, description };
    if (first.description === description) continue;
    throw new Error(
      `${engine}: expected a network of ${first.description}, as in ${first.engine}, received ${description}. Build the same network in all engines.`,
    );
  }
}
