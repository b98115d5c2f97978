/** Returns the entry of a table, or undefined. Inherited properties such as `constructor` are not entries. */
export const getOwnValue = <T>(table: { readonly [name: string]: T }, name: string): T | undefined =>
  Object.hasOwn(table, name) ? table[name] : undefined;

/** Creates a table without inherited properties, so that every property of it is an entry. */
export const createTable = <T>(
  entries: Iterable<readonly [name: string, value: T]>,
): { [name: string]: T } => {
  const table = Object.create(null) as { [name: string]: T };
  for (const [name, value] of entries) table[name] = value;
  return table;
};
