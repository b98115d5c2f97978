/** Something that changes the weights of a model elsewhere than in the model's variables. */
export interface WeightSource {
  /** Copies the current weights into the model's variables. Does nothing when they are current already. */
  syncWeights(): void;
}

/**
 * Keeps the variables of one model current while training steps change copies of its weights. Every way to read weights
 * through a `Network` goes through it.
 */
export class WeightSync {
  readonly #sources = new Set<WeightSource>();

  /** Adds a source, for the time in which it changes the weights. */
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
