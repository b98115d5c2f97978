/**
 * Pattern of the device names that Windows reserves in every folder, with any extension. For example, `con.jpg` refers to the
 * console.
 */
const RESERVED_NAME = /^(?:con|prn|aux|nul|conin\$|conout\$|(?:com|lpt)[1-9¹²³])\s*(?:\.|$)/i;

/**
 * Characters that Windows does not allow in a file name. A colon separates the name of a file from the name of an alternate data
 * stream.
 */
const FORBIDDEN_CHARACTER = /[<>:"|?*\p{Cc}]/u;

/**
 * Returns a noun phrase that describes why Windows cannot store a file under exactly this name, or undefined if Windows can store the
 * file. Windows reports no error for an unsuitable name, but uses a device, a hidden stream of another file, or a file with a shorter name
 * instead.
 *
 * @param name - Relative path, separated by `/` or `\`.
 */
export function findWindowsNameProblem(name: string): string | undefined {
  for (const part of name.split(/[/\\]/)) {
    if (part === '' || part === '.' || part === '..') continue;
    if (RESERVED_NAME.test(part)) return `the name "${part}", which is a device on Windows`;
    if (/[. ]$/.test(part)) return `the name "${part}", whose last character Windows removes`;
    const character = part.match(FORBIDDEN_CHARACTER)?.[0];
    if (character !== undefined) {
      return `the name ${JSON.stringify(part)} with the character ${JSON.stringify(character)}, which Windows does not allow`;
    }
  }
  return undefined;
}
