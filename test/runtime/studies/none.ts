/** Module whose default export is not a study. */
export default { space: 1 };
