/**
 * A type that no value has. A parameter of this type rejects a call, and the compiler's message contains the sentence.
 *
 * @category Compose
 */
export interface TypeErrorMessage<Sentence extends string> {
  /** The mistake and how to fix it. */
  readonly '~mistake': Sentence;
}

/**
 * Flattens an intersection, so that editors and error messages show one object type.
 *
 * @category Compose
 */
export type Simplify<T> = { [K in keyof T]: T[K] } & {};

/** Whether a type is `string` instead of a literal. */
export type IsWideString<S extends string> = string extends S ? true : false;

/**
 * `T`, for a parameter whose tasks are written inline: TypeScript infers each task by itself. With `T` alone it infers each from the
 * constraint `Tasks`, whose metrics are `any`, and accepts columns of metrics that do not exist.
 *
 * @category Compose
 */
export type InferPerTask<T> = T & { readonly [K in keyof T]: T[K] };
