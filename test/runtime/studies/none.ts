/** No study. */
export default { space: 1 };
