/** HDF5 type numbers of the object header messages that this library reads or writes. */
export const MESSAGE_TYPE = {
  space: 1,
  links: 2,
  type: 3,
  fill: 5,
  link: 6,
  external: 7,
  layout: 8,
  filters: 11,
  attribute: 12,
  continuation: 16,
  symbols: 17,
  attributes: 21,
} as const;
