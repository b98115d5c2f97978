/** An object that changes weights of a model outside the model's variables. */
export interface WeightSource {
  /** Copies the current weights into the model's variables, unless the variables are already up to date. */
  syncWeights(): void;
}

/**
 * Keeps the variables of one model up to date while training steps change copies of its weights. Every function that reads weights through
 * a `Network` uses it.
 */
export class WeightSync {
  readonly #sources = new Set<WeightSource>();

  /** Adds a source. Call it before the source changes weights. */
  attach(source: WeightSource): void {
    this.#sources.add(source);
  }

  /** Removes a source. Call it after the source's last `syncWeights`. */
  detach(source: WeightSource): void {
    this.#sources.delete(source);
  }

  /** Copies the current weights of all sources into the model's variables. */
  sync(): void {
    for (const source of this.#sources) source.syncWeights();
  }
}
