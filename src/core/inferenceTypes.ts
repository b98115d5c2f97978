/**
 * A sentence where a call is illegal: what the compiler prints is what the user reads.
 *
 * @category Compose
 */
export interface TypeErrorMessage<Sentence extends string> {
  /** What is wrong, and what to do. */
  readonly '~mistake': Sentence;
}

/**
 * Flattens an intersection, so that hovers and messages show one plain object.
 *
 * @category Compose
 */
export type Simplify<T> = { [K in keyof T]: T[K] } & {};

/** Whether two types are the same, for telling `string` from a literal. */
export type IsWideString<S extends string> = string extends S ? true : false;

/**
 * `T` for a parameter whose tasks are written in place: each is inferred by itself. By `T` alone TypeScript takes what the
 * constraint `Tasks` says of each, whose metrics are `any`, and columns of metrics that are not there pass.
 *
 * @category Compose
 */
export type InferPerTask<T> = T & { readonly [K in keyof T]: T[K] };
