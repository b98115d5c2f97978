import { escapeLines } from '../../core/errors/escapeText.js';

/** Prints text to the standard output. Control characters, for example in the names of files, are escaped. */
export const printText = (text: string): void => console.log(escapeLines(text));

/** Prints text to the standard error output. Control characters are escaped. */
export const printError = (text: string): void => console.error(escapeLines(text));
