/** F26: model files that are cut short, hostile, or not a model at all. */
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createRouter } from '../../src/compose.ts'
import { scriptedModel } from '../../src/testing.ts'
import { specOf, type TestHost, testHost } from '../engine/support.ts'

let host: TestHost
let folder: string
let hostPid: number
beforeAll(async () => {
  host = await testHost({ threads: 1 })
  folder = mkdtempSync(join(tmpdir(), 'spillway-f26-'))
  hostPid = (await host.client.call('ps', null)).pid
})
afterAll(async () => {
  await host.end()
  rmSync(folder, { recursive: true, force: true })
})

interface HostileCase {
  readonly name: string
  readonly b64: string
  readonly expect: string
}

/** Hostile headers that are not part of this repository; they lie beside it where it is developed. */
const HOSTILE = fileURLToPath(new URL('../../../shared/data/adversarial/gguf_cases.json', import.meta.url))
const hostile = existsSync(HOSTILE)
  ? (JSON.parse(readFileSync(HOSTILE, 'utf8')) as { cases: HostileCase[] }).cases.filter(
      (row) => !row.expect.startsWith('parsed'),
    )
  : []

const POINTER = 'version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 98362432\n'

describe('F26', () => {
  it.each([
    ['a Git LFS pointer', () => Buffer.from(POINTER), 'it is a Git LFS pointer, not the file itself'],
    ['a download page', () => Buffer.from('<!DOCTYPE html><html></html>'), 'it is an HTML page'],
    ['a header cut short', () => readFileSync(host.modelPath).subarray(0, 1_000_000), 'its header ends in the middle'],
    ['weights cut short', () => readFileSync(host.modelPath).subarray(0, 50_000_000), 'an incomplete download'],
  ])('%s is a typed error with its problem, and the request goes on to the frontier', async (_, bytes, problem) => {
    const path = join(folder, 'broken.gguf')
    writeFileSync(path, bytes())
    const router = createRouter({
      policy: {
        models: {
          broken: { provider: 'embedded', model: 'mine', path, tier: 'local_fast', contextTokens: 512 },
          cloud: { provider: 'openai', model: 'simulated', tier: 'frontier', baseUrl: 'http://127.0.0.1:1' },
        },
        tasks: {
          chat: { local: 'broken', frontier: 'cloud', complexity: 'simple', stage: 'accept' },
        },
      },
      paths: host.paths,
      models: { cloud: scriptedModel({ name: 'cloud', answers: () => 'simulated frontier' }) },
    })
    try {
      const outcome = await router.complete({
        messages: [{ role: 'user', content: 'Tell me about the weather.' }],
        metadata: { task: 'chat' },
      })
      expect(outcome).toMatchObject({
        answer: 'simulated frontier',
        attempts: [{ model: 'broken', outcome: 'failed', error: 'model_file_invalid' }, { model: 'cloud' }],
      })
    } finally {
      await router.close()
    }
    await expect(host.client.call('load', specOf(host, { path }))).rejects.toThrow(problem)
    expect((await host.client.call('ps', null)).pid).toBe(hostPid)
  })

  it.each(hostile.map((row) => [row.name, row] as const))(
    '%s reaches the host and leaves it alive (no such cases where ../shared/data/adversarial is absent)',
    async (_, row) => {
      const path = join(folder, 'hostile.gguf')
      writeFileSync(path, Buffer.from(row.b64, 'base64'))
      const digest = `sha256:${row.name}`
      await expect(host.client.call('load', specOf(host, { path, digest }))).rejects.toMatchObject({
        code: 'model_file_invalid',
      })
      expect((await host.client.call('ps', null)).pid).toBe(hostPid)
    },
  )

  it('a good model is loaded by the same host afterwards', async () => {
    const row = await host.client.call('load', specOf(host, { contextTokens: 512 }))
    expect(row).toMatchObject({ state: 'ready', contextTokens: 512 })
    expect((await host.client.call('ps', null)).pid).toBe(hostPid)
  })
})
