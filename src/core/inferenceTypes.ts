/**
 * Type to which no value can be assigned. A call with an argument of this type does not compile, and the compiler error contains
 * `Sentence`.
 *
 * @category Compose
 */
export interface TypeErrorMessage<Sentence extends string> {
  /** Description of the mistake and how to fix it. */
  readonly '~mistake': Sentence;
}

/**
 * Flattens an intersection type, so that editors and compiler errors show a single object type.
 *
 * @category Compose
 */
export type Simplify<T> = { [K in keyof T]: T[K] } & {};

/** True if `S` is the type `string`, false if it is a string literal. */
export type IsWideString<S extends string> = string extends S ? true : false;

/**
 * Type that equals `T`, but makes TypeScript infer the type of each task separately when tasks are written inline. With `T` alone,
 * TypeScript would infer all tasks from the constraint `Tasks`, whose metrics are `any`, and would not detect misspelled column names.
 *
 * @category Compose
 */
export type InferPerTask<T> = T & { readonly [K in keyof T]: T[K] };
