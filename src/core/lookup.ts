/** What a table holds under a name; undefined for `constructor` and the like, which every object answers to. */
export const getOwnValue = <T>(table: { readonly [name: string]: T }, name: string): T | undefined =>
  Object.hasOwn(table, name) ? table[name] : undefined;

/** A table of entries that answers to their names alone. */
export const createTable = <T>(
  entries: Iterable<readonly [name: string, value: T]>,
): { [name: string]: T } => {
  const table = Object.create(null) as { [name: string]: T };
  for (const [name, value] of entries) table[name] = value;
  return table;
};
