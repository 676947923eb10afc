import { chmod, mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { delimiter, dirname, join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { composeEnginePackage } from '../../src/models/embedded/engine-lock.ts'
import { engineState, installEngine } from '../../src/models/embedded/install.ts'
import { withFileLock } from '../../src/models/file-lock.ts'
import { type Paths, resolvePaths } from '../../src/models/paths.ts'

const SIGNAL = AbortSignal.timeout(60_000)
let folder: string
let paths: Paths
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'spillway-install-'))
  paths = resolvePaths({ HOME: folder, XDG_DATA_HOME: folder }, 'linux')
})
afterEach(async () => {
  await rm(folder, { recursive: true, force: true })
})

/** An npm that does what the test says, and nothing on the network. */
async function fakeNpm(body: string): Promise<NodeJS.ProcessEnv> {
  const bin = join(folder, 'bin')
  await mkdir(bin, { recursive: true })
  await writeFile(join(bin, 'npm'), `#!/bin/sh\n${body}\n`)
  await chmod(join(bin, 'npm'), 0o755)
  return { PATH: [bin, dirname(process.execPath), '/usr/bin', '/bin'].join(delimiter) }
}

const FAKE_ENGINE = [
  'mkdir -p node_modules/node-llama-cpp/dist',
  'echo "run" >> ../runs',
  `echo '{"version":"3.22.1","type":"module"}' > node_modules/node-llama-cpp/package.json`,
  `echo 'export const getLlama = async () => ({ dispose: async () => {} })' > node_modules/node-llama-cpp/dist/index.js`,
].join('\n')

describe('the lock of the engine', () => {
  it('makes exactly one platform package a plain dependency, and knows no GPU variant', async () => {
    const engine = await composeEnginePackage('linux-x64', '/engine')
    expect(JSON.parse(engine.packageJson).dependencies).toEqual({
      '@node-llama-cpp/linux-x64': '3.22.1',
      'node-llama-cpp': '3.22.1',
    })
    const packages = JSON.parse(engine.lockJson).packages as Record<
      string,
      { integrity?: string; resolved?: string; optional?: boolean }
    >
    expect(Object.keys(packages).filter((path) => path.includes('@node-llama-cpp/'))).toEqual([
      'node_modules/@node-llama-cpp/linux-x64',
    ])
    const rest = Object.entries(packages).filter(([path]) => path !== '')
    expect(rest.every(([, entry]) => /^sha512-/.test(entry.integrity ?? ''))).toBe(true)
    expect(rest.some(([, entry]) => entry.resolved !== undefined || entry.optional === true)).toBe(false)
    expect(engine.pinned).toBe(true)
  })

  it('says when the hash of a platform is not pinned', async () => {
    const engine = await composeEnginePackage('darwin-arm64', '/engine')
    expect(engine).toMatchObject({ platformPackage: '@node-llama-cpp/mac-arm64-metal', pinned: false })
  })

  it('refuses a machine without binaries, with the list of those that have some', async () => {
    await expect(composeEnginePackage('sunos-x64', '/engine')).rejects.toMatchObject({
      code: 'engine_install_failed',
      message: 'The embedded engine could not be installed in /engine: there are no ready-made binaries for sunos-x64.',
    })
  })
})

describe('installing the engine', () => {
  it('does one installation for two callers at once, tests it, and leaves nothing half-done', async () => {
    const env = await fakeNpm(FAKE_ENGINE)
    const phases: string[] = []
    const install = () => installEngine({ paths, env, signal: SIGNAL, onProgress: ({ phase }) => phases.push(phase) })
    const states = await Promise.all([install(), install()])
    expect(states.map((state) => state.installed)).toEqual([true, true])
    expect(phases.filter((phase) => phase === 'downloading')).toHaveLength(1)
    expect((await readdir(join(paths.dataDir, 'engine'))).toSorted()).toEqual(['3.22.1-cpu', 'runs'])
    expect((await engineState(paths)).installed).toBe(true)
  })

  it('keeps nothing when the self-test fails', async () => {
    const env = await fakeNpm(
      FAKE_ENGINE.replace(
        'async () => ({ dispose: async () => {} })',
        'async () => { throw new Error("illegal instruction") }',
      ),
    )
    await expect(installEngine({ paths, env, signal: SIGNAL })).rejects.toThrow(
      /the self-test failed \(illegal instruction\)/,
    )
    expect((await engineState(paths)).installed).toBe(false)
    expect((await readdir(join(paths.dataDir, 'engine'))).toSorted()).toEqual(['runs'])
  })

  it.each([
    ['a full disk', 'echo "npm error code ENOSPC" >&2; exit 1', { code: 'disk_full' }],
    [
      'a wrong checksum',
      'echo "npm error code EINTEGRITY" >&2; exit 1',
      { code: 'engine_install_failed', values: { problem: 'a downloaded package does not have the pinned checksum' } },
    ],
    [
      'no network',
      'echo "npm error code ENOTFOUND" >&2; exit 1',
      { code: 'engine_install_failed', values: { problem: 'code ENOTFOUND' } },
    ],
  ])('names %s', async (_, body, expected) => {
    const env = await fakeNpm(body)
    await expect(installEngine({ paths, env, signal: SIGNAL })).rejects.toMatchObject(expected)
  })

  it('names npm when it is absent, and how to get it', async () => {
    await expect(installEngine({ paths, env: { PATH: folder }, signal: SIGNAL })).rejects.toMatchObject({
      code: 'engine_install_failed',
      values: { problem: 'npm was not found' },
      fix: 'Install npm (it comes with Node.js) and make sure that PATH holds it.',
    })
  })
})

describe('a lock between processes', () => {
  it('lets one in at a time', async () => {
    const file = join(folder, 'a.lock')
    let inside = 0
    let most = 0
    const enter = () =>
      withFileLock({ file, signal: SIGNAL }, async () => {
        inside++
        most = Math.max(most, inside)
        await new Promise((resolve) => setImmediate(resolve))
        inside--
      })
    await Promise.all([enter(), enter(), enter()])
    expect(most).toBe(1)
  })

  it('is taken over from an owner that died', async () => {
    const file = join(folder, 'b.lock')
    await writeFile(file, '4194304 dead-owner')
    expect(await withFileLock({ file, signal: SIGNAL }, async () => 'in')).toBe('in')
  })
})
