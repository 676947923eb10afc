import { homedir } from 'node:os'
import { posix, win32 } from 'node:path'

/** The four directories of this program, absolute. None of them needs to exist. */
export interface Paths {
  readonly configDir: string
  /** Models and the engine: large, kept between versions. */
  readonly dataDir: string
  /** May be deleted at any time. */
  readonly cacheDir: string
  /** Sockets, keys, logs, journal. */
  readonly stateDir: string
}

type Environment = Readonly<Record<string, string | undefined>>

/**
 * Where this program keeps its files. The XDG variables win on every system when they hold an absolute path; without
 * them Linux follows the XDG base directory specification 0.8, macOS uses `~/Library`, Windows `%APPDATA%` and
 * `%LOCALAPPDATA%`.
 *
 * @param env the environment, usually `process.env`
 * @param platform a value of `process.platform`
 */
export function resolvePaths(env: Environment, platform: NodeJS.Platform): Paths {
  const home = homeOf(env, platform)
  const native = nativePaths(home, env, platform)
  const { isAbsolute, join } = platform === 'win32' ? win32 : posix
  /** The specification says that relative values are invalid and must be ignored. */
  const xdg = (value: string | undefined): string | null =>
    value !== undefined && isAbsolute(value) ? join(value, NAME) : null
  return {
    configDir: xdg(env.XDG_CONFIG_HOME) ?? native.configDir,
    dataDir: xdg(env.XDG_DATA_HOME) ?? native.dataDir,
    cacheDir: xdg(env.XDG_CACHE_HOME) ?? native.cacheDir,
    stateDir: xdg(env.XDG_STATE_HOME) ?? native.stateDir,
  }
}

const NAME = 'spillway'

/** Shells on Windows that come from elsewhere set HOME as well, in a spelling of their own. */
function homeOf(env: Environment, platform: NodeJS.Platform): string {
  const home = platform === 'win32' ? (env.USERPROFILE ?? env.HOME) : (env.HOME ?? env.USERPROFILE)
  return home || homedir()
}

function nativePaths(home: string, env: Environment, platform: NodeJS.Platform): Paths {
  const { join } = platform === 'win32' ? win32 : posix
  if (platform === 'darwin') {
    const support = join(home, 'Library', 'Application Support', NAME)
    return {
      configDir: support,
      dataDir: support,
      cacheDir: join(home, 'Library', 'Caches', NAME),
      stateDir: join(support, 'state'),
    }
  }
  if (platform === 'win32') {
    const roaming = env.APPDATA ?? join(home, 'AppData', 'Roaming')
    const local = env.LOCALAPPDATA ?? join(home, 'AppData', 'Local')
    return {
      configDir: join(roaming, NAME),
      dataDir: join(local, NAME, 'data'),
      cacheDir: join(local, NAME, 'cache'),
      stateDir: join(local, NAME, 'state'),
    }
  }
  return {
    configDir: join(home, '.config', NAME),
    dataDir: join(home, '.local', 'share', NAME),
    cacheDir: join(home, '.cache', NAME),
    stateDir: join(home, '.local', 'state', NAME),
  }
}
