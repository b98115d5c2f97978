import { homedir } from 'node:os';
import { posix, win32 } from 'node:path';

/** Where a platform's programs keep what they can fetch again, of this library: `~/.cache/tfjs-multitask` on Linux. */
export function getCacheFolder(
  platform: NodeJS.Platform = process.platform,
  env: { readonly [name: string]: string | undefined } = process.env,
  home: string = homedir(),
): string {
  const { join, isAbsolute } = platform === 'win32' ? win32 : posix;
  const usual = {
    win32: env.LOCALAPPDATA || join(home, 'AppData', 'Local'),
    darwin: join(home, 'Library', 'Caches'),
  }[platform as string];
  // A relative one is to be ignored (XDG Base Directory Specification 0.8).
  const xdg =
    env.XDG_CACHE_HOME && isAbsolute(env.XDG_CACHE_HOME) ? env.XDG_CACHE_HOME : join(home, '.cache');
  return join(usual ?? xdg, 'tfjs-multitask');
}
