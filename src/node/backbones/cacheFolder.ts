import { homedir } from 'node:os';
import { posix, win32 } from 'node:path';

/** Returns the cache folder of this library on a platform, for example `~/.cache/tfjs-multitask` on Linux. */
export function getCacheFolder(
  platform: NodeJS.Platform = process.platform,
  env: { readonly [name: string]: string | undefined } = process.env,
  home: string = homedir(),
): string {
  const { join, isAbsolute } = platform === 'win32' ? win32 : posix;
  const platformFolder = {
    win32: env.LOCALAPPDATA || join(home, 'AppData', 'Local'),
    darwin: join(home, 'Library', 'Caches'),
  }[platform as string];
  // The XDG Base Directory Specification 0.8 requires that a relative path is ignored.
  const xdg =
    env.XDG_CACHE_HOME && isAbsolute(env.XDG_CACHE_HOME) ? env.XDG_CACHE_HOME : join(home, '.cache');
  return join(platformFolder ?? xdg, 'tfjs-multitask');
}
