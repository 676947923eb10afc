/** Where files lie on each system. Pure: every row holds on whatever machine the tests run. */
import { describe, expect, it } from 'vitest'
import { resolvePaths } from '../../src/models/paths.ts'

const LINUX = { HOME: '/home/ada' }
const MAC = { HOME: '/Users/ada' }
const WINDOWS = {
  USERPROFILE: 'C:\\Users\\ada',
  APPDATA: 'C:\\Users\\ada\\AppData\\Roaming',
  LOCALAPPDATA: 'D:\\Local',
}

describe('folders', () => {
  it('are those of the XDG base directory specification on Linux', () => {
    expect(resolvePaths(LINUX, 'linux')).toEqual({
      configDir: '/home/ada/.config/spillway',
      dataDir: '/home/ada/.local/share/spillway',
      cacheDir: '/home/ada/.cache/spillway',
      stateDir: '/home/ada/.local/state/spillway',
    })
  })

  it('are below ~/Library on macOS, caches apart from what must stay', () => {
    expect(resolvePaths(MAC, 'darwin')).toEqual({
      configDir: '/Users/ada/Library/Application Support/spillway',
      dataDir: '/Users/ada/Library/Application Support/spillway',
      cacheDir: '/Users/ada/Library/Caches/spillway',
      stateDir: '/Users/ada/Library/Application Support/spillway/state',
    })
  })

  it('roam on Windows only where they are small', () => {
    expect(resolvePaths(WINDOWS, 'win32')).toEqual({
      configDir: 'C:\\Users\\ada\\AppData\\Roaming\\spillway',
      dataDir: 'D:\\Local\\spillway\\data',
      cacheDir: 'D:\\Local\\spillway\\cache',
      stateDir: 'D:\\Local\\spillway\\state',
    })
  })

  it('follow from the profile on Windows, whatever a shell says of HOME', () => {
    const env = { USERPROFILE: 'C:\\Users\\ada', HOME: '/c/Users/ada' }
    expect(resolvePaths(env, 'win32').configDir).toBe('C:\\Users\\ada\\AppData\\Roaming\\spillway')
    expect(resolvePaths(env, 'win32').stateDir).toBe('C:\\Users\\ada\\AppData\\Local\\spillway\\state')
  })

  it.each([
    ['linux', '/big/data', '/big/data/spillway', LINUX],
    ['darwin', '/big/data', '/big/data/spillway', MAC],
    ['win32', 'E:\\data', 'E:\\data\\spillway', WINDOWS],
  ] as const)('go where the XDG variables say on %s', (platform, value, folder, env) => {
    expect(resolvePaths({ ...env, XDG_DATA_HOME: value }, platform).dataDir).toBe(folder)
  })

  it.each([
    ['linux', LINUX],
    ['darwin', MAC],
    ['win32', WINDOWS],
  ] as const)('ignore XDG variables that are empty or relative on %s', (platform, env) => {
    const plain = resolvePaths(env, platform)
    expect(resolvePaths({ ...env, XDG_DATA_HOME: '', XDG_STATE_HOME: 'state' }, platform)).toEqual(plain)
  })
})
