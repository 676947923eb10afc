import { mkdirSync, mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { locateModel } from '../../src/models/fetch/locate.ts'
import { obtainModel } from '../../src/models/fetch/obtain.ts'
import { resolvePaths } from '../../src/models/paths.ts'
import {
  findRegistered,
  isModelName,
  readRegistry,
  register,
  registryFile,
  unregister,
} from '../../src/models/registry.ts'

const SIGNAL = AbortSignal.timeout(30_000)
/** Of the four letters `four`. */
const FOUR_SHA256 = '04efaf080f5a3e74e1c29d1ca6a48569382cbbcd324e8d59d2b83ef21c039f00'

let home: string
beforeEach(() => {
  home = mkdtempSync(join(tmpdir(), 'spillway-registry-'))
})
afterEach(() => rmSync(home, { recursive: true, force: true }))

const paths = () => resolvePaths({ HOME: home }, 'linux')
const entry = (name: string, path = join(home, `${name}.gguf`)) => ({ name, path, sha256: null, sizeBytes: 4 })

describe('the registry', () => {
  it('is empty before anything was registered, and readable by its owner only afterwards', async () => {
    expect(readRegistry(paths())).toEqual([])
    await register(paths(), entry('one'), SIGNAL)
    expect(statSync(registryFile(paths())).mode & 0o777).toBe(0o600)
    expect(findRegistered(paths(), 'one')).toEqual(entry('one'))
    expect(findRegistered(paths(), 'two')).toBeNull()
  })

  it('keeps every one of many that are registered at once', async () => {
    const names = Array.from({ length: 12 }, (_, index) => `model-${String(index).padStart(2, '0')}`)
    await Promise.all(names.map((name) => register(paths(), entry(name), SIGNAL)))
    expect(readRegistry(paths()).map(({ name }) => name)).toEqual(names)
  })

  it.each(['registered.json', 'Registered.JSON', 'small.lock', 'a/b', '..', '-a', ''])(
    'takes %j for no name, since it is none of a folder beside the registry',
    (name) => expect(isModelName(name)).toBe(false),
  )

  it.each(['qwen3:8b', 'smollm2-135m-instruct', 'Model_1.5@q4', 'unlocked'])('takes %j for a name', (name) =>
    expect(isModelName(name)).toBe(true),
  )

  it('replaces the entry of the same name, and forgets one', async () => {
    await register(paths(), entry('one'), SIGNAL)
    await register(paths(), entry('one', join(home, 'other.gguf')), SIGNAL)
    expect(readRegistry(paths()).map(({ path }) => path)).toEqual([join(home, 'other.gguf')])
    expect(await unregister(paths(), 'one', SIGNAL)).toMatchObject({ name: 'one' })
    expect(await unregister(paths(), 'one', SIGNAL)).toBeNull()
    expect(readRegistry(paths())).toEqual([])
  })

  it.each([
    ['no json', 'it is not JSON'],
    ['{"format":2,"models":[]}', 'its format 2 is not 1'],
    [
      '{"format":1,"models":[{"name":"a","path":"relative.gguf","sha256":null,"sizeBytes":1}]}',
      'an entry is not complete',
    ],
    [
      '{"format":1,"models":[{"name":"a","path":"/a.gguf","sha256":null,"sizeBytes":1,"origin":7}]}',
      'an entry is not complete',
    ],
    [
      '{"format":1,"models":[{"name":"../a","path":"/a.gguf","sha256":null,"sizeBytes":1}]}',
      'an entry is not complete',
    ],
  ])('refuses the damaged file %s', (content, problem) => {
    mkdirSync(dirname(registryFile(paths())), { recursive: true })
    writeFileSync(registryFile(paths()), content)
    expect(() => readRegistry(paths())).toThrow(`cannot be used: ${problem}.`)
  })
})

describe('a registered model', () => {
  it('is found by its name, as the policy gives it', async () => {
    const path = join(home, 'own.gguf')
    writeFileSync(path, 'four')
    await register(paths(), { name: 'own', path, sha256: FOUR_SHA256, sizeBytes: 4 }, SIGNAL)
    expect(locateModel({ name: 'own', path: null, env: {}, paths: paths() })).toEqual({
      path,
      exists: true,
      sha256: FOUR_SHA256,
    })
    expect(await obtainModel({ name: 'own', env: {}, paths: paths(), signal: SIGNAL })).toEqual({
      path,
      sha256: FOUR_SHA256,
      source: 'path',
    })
  })

  it('is refused when its file changed or went away', async () => {
    const path = join(home, 'own.gguf')
    await register(paths(), { name: 'own', path, sha256: FOUR_SHA256, sizeBytes: 4 }, SIGNAL)
    const obtain = () => obtainModel({ name: 'own', env: {}, paths: paths(), signal: SIGNAL })
    await expect(obtain()).rejects.toMatchObject({ code: 'model_file_missing' })
    writeFileSync(path, 'five')
    await expect(obtain()).rejects.toMatchObject({ code: 'checksum_mismatch', values: { expected: FOUR_SHA256 } })
  })

  it('cannot be found under the name of an open model without a file; the error says how to get one', () => {
    expect(() => locateModel({ name: 'qwen3-8b', path: null, env: {}, paths: paths() })).toThrow(
      expect.objectContaining({
        code: 'not_found',
        fix: expect.stringContaining(
          'spillway models pull hf:bartowski/Qwen_Qwen3-8B-GGUF/Qwen_Qwen3-8B-Q4_K_M.gguf --name qwen3-8b',
        ),
      }),
    )
  })
})
