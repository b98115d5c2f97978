/** An object that trains its own copy of a model's weights, outside the variables of the model. */
export interface WeightSource {
  /** Copies the current weights into the model's variables, unless the variables are already up to date. */
  syncWeights(): void;
}

/**
 * Keeps the variables of a model up to date while an executor trains a separate copy of its weights. Every function
 * that reads weights through a `Network` calls `sync()` first.
 */
export class WeightSync {
  readonly #sources = new Set<WeightSource>();

  /** Registers an object that is going to change weights. Call this method before the object changes any weights. */
  attach(source: WeightSource): void {
    this.#sources.add(source);
  }

  /** Unregisters an object that no longer changes weights. Call this method after the last `syncWeights` of the object. */
  detach(source: WeightSource): void {
    this.#sources.delete(source);
  }

  /** Copies the current weights of all registered objects into the model's variables. */
  sync(): void {
    for (const source of this.#sources) source.syncWeights();
  }
}
