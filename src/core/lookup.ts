/**
 * Returns the own property `name` of an object that is used as a table, or undefined. Inherited properties such as `constructor` are
 * ignored.
 */
export const getOwnValue = <T>(table: { readonly [name: string]: T }, name: string): T | undefined =>
  Object.hasOwn(table, name) ? table[name] : undefined;

/**
 * Creates an object from entries, without inherited properties, so that looking up a name such as `constructor` does not find a built-in
 * property.
 */
export const createTable = <T>(
  entries: Iterable<readonly [name: string, value: T]>,
): { [name: string]: T } => {
  const table = Object.create(null) as { [name: string]: T };
  for (const [name, value] of entries) table[name] = value;
  return table;
};
