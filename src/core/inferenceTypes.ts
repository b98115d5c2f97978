/**
 * A type without values. A parameter of this type makes a call invalid, and the compiler error contains the sentence.
 *
 * @category Compose
 */
export interface TypeErrorMessage<Sentence extends string> {
  /** The mistake and how to fix it. */
  readonly '~mistake': Sentence;
}

/**
 * Flattens an intersection type, so that editors and compiler errors show a single object type.
 *
 * @category Compose
 */
export type Simplify<T> = { [K in keyof T]: T[K] } & {};

/** Whether a type is `string` and not a string literal. */
export type IsWideString<S extends string> = string extends S ? true : false;

/**
 * Equals `T`. For a parameter whose tasks are written inline, it makes TypeScript infer each task separately. With `T` alone, TypeScript
 * infers each task from the constraint `Tasks`, whose metrics are `any`, and accepts columns of metrics that do not exist.
 *
 * @category Compose
 */
export type InferPerTask<T> = T & { readonly [K in keyof T]: T[K] };
