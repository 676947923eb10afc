/** The list of private conversations as a router finds it: real files, a scripted cloud, a process of its own. */
import { spawnSync } from 'node:child_process'
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { createRouter } from '../../src/compose.ts'
import type { RequestMetadata } from '../../src/spec/request.ts'
import type { Router } from '../../src/spec/router.ts'
import { purgeStore } from '../../src/stores/purge.ts'
import type { PurgeFilter } from '../../src/stores/retention.ts'
import { manualClock } from '../../src/testing.ts'
import { openAiText } from '../support/cloud-answers.ts'
import { recordDials } from '../support/dial-recorder.ts'
import { type ScriptedCloud, startScriptedCloud } from '../support/scripted-cloud.ts'

const HOUR_MS = 3_600_000
const STORE = resolve(import.meta.dirname, '../../src/stores/conversations.ts')

let cloud: ScriptedCloud
let folder: string
const clock = manualClock({ sleeping: 'skip' })
const routers: Router[] = []
beforeEach(async () => {
  cloud = await startScriptedCloud()
  cloud.otherwise(openAiText('From afar.'))
  folder = mkdtempSync(join(tmpdir(), 'spillway-conversations-'))
})
afterEach(async () => {
  for (const router of routers.splice(0)) await router.close()
  await cloud.close()
  rmSync(folder, { recursive: true, force: true })
})

function open(host = '127.0.0.1', privateNetwork = false): Router {
  const dir = (name: string): string => join(folder, name)
  const baseUrl = cloud.openAiBaseUrl.replace('127.0.0.1', host)
  const router = createRouter({
    policy: {
      models: { big: { provider: 'openai', model: 'x', tier: 'frontier', baseUrl, privateNetwork } },
      tasks: { chat: { local: false } },
      privacy: { conversationMemory: '2h' },
    },
    env: {},
    clock,
    paths: { configDir: dir('config'), dataDir: dir('data'), cacheDir: dir('cache'), stateDir: dir('state') },
  })
  routers.push(router)
  return router
}

async function routeOf(router: Router, text: string, metadata: RequestMetadata = {}): Promise<string> {
  const request = { messages: [{ role: 'user' as const, content: text }], metadata: { task: 'chat', ...metadata } }
  return (await router.complete(request)).decision.route
}

const PRIVATE = { partition: 'local_only', conversation: 'case 17' } as const

describe('a conversation that was private', () => {
  it('is so after a restart, for as long as the policy remembers', async () => {
    expect(await routeOf(open(), 'hello', PRIVATE)).toBe('held')
    await routers.pop()?.close()
    const next = open()
    expect(await routeOf(next, 'and now?', { conversation: 'case 17' })).toBe('held')
    expect(await routeOf(next, 'and now?', { conversation: 'case 18' })).toBe('frontier')
    // Every private request counts anew.
    await clock.advance(2 * HOUR_MS - 1)
    expect(await routeOf(next, 'and then?', { conversation: 'case 17' })).toBe('held')
    await clock.advance(2 * HOUR_MS + 1)
    expect(await routeOf(next, 'at last?', { conversation: 'case 17' })).toBe('frontier')
    expect(cloud.requests).toHaveLength(2)
  })

  it('is so for a router that was open already, when another process wrote it down and was killed', async () => {
    const router = open()
    expect(await routeOf(router, 'hello', { conversation: 'case 17' })).toBe('frontier')
    const writer = `
      import { createHash } from 'node:crypto'
      import { openConversations } from '${STORE}'
      const path = '${join(folder, 'state', 'conversations.sqlite')}'
      const key = createHash('sha256').update('id:case 17').digest('hex')
      const store = openConversations({ path, memoryMs: 7200000, epochMs: () => ${clock.epochMs()} })
      store.remember({ tenant: null, isNamed: true, keys: [key] }, { partition: 'local_only', cause: 'said' })
      process.kill(process.pid, 'SIGKILL')`
    const { signal } = spawnSync(process.execPath, ['--no-warnings', '--input-type=module', '-e', writer])
    expect(signal).toBe('SIGKILL')
    expect(await routeOf(router, 'and now?', { conversation: 'case 17' })).toBe('held')
  })

  it('is forgotten by a purge of its tenant, or by age, and by no purge for a user', async () => {
    const router = open()
    const ask = (tenant: string, partition: RequestMetadata = {}) =>
      routeOf(router, 'hello', { conversation: `case of ${tenant}`, tenant, ...partition })
    const purge = (filter: PurgeFilter, dryRun = false) =>
      purgeStore({
        stateDir: join(folder, 'state'),
        filter,
        dryRun,
        monotonicMs: () => performance.now(),
        sleep: delay,
      })
    for (const tenant of ['acme', 'beta', 'gamma']) expect(await ask(tenant, { partition: 'local_only' })).toBe('held')
    // By its name, and by its beginning.
    expect(await purge({ tenant: 'acme' }, true)).toMatchObject({ conversations: 2 })
    expect(await purge({ subject: 'ann' })).toMatchObject({ conversations: 0 })
    expect(await ask('acme')).toBe('held')
    expect(await purge({ tenant: 'acme' })).toMatchObject({ conversations: 2 })
    expect(await Promise.all(['acme', 'beta'].map((tenant) => ask(tenant)))).toEqual(['frontier', 'held'])
    expect(await purge({ beforeMs: clock.epochMs() + 1 })).toMatchObject({ conversations: 4 })
    expect(await ask('gamma')).toBe('frontier')
  })

  it('leaves neither its name nor its text in the file', async () => {
    await routeOf(open(), 'the marker 8861', { ...PRIVATE, tenant: 'acme' })
    const state = join(folder, 'state')
    const files = readdirSync(state).filter((name) => name.startsWith('conversations.sqlite'))
    expect(files).toContain('conversations.sqlite')
    const bytes = files.map((name) => readFileSync(join(state, name), 'latin1')).join('')
    expect(bytes).toContain('local_only')
    const modes = readdirSync(state).map((name) => statSync(join(state, name)).mode & 0o077)
    expect(new Set(modes)).toEqual(new Set([0]))
    expect(bytes).not.toMatch(/case 17|acme|8861/)
  })
})

describe('a frontier that is named', () => {
  it('may be in a private network only when its entry in the policy says so', async () => {
    using recorder = recordDials()
    recorder.answer('gpu-box.test', ['127.0.0.1'])
    await expect(routeOf(open('gpu-box.test'), 'hello')).rejects.toMatchObject({ code: 'destination_refused' })
    expect([recorder.dials, cloud.requests]).toEqual([[], []])
    expect(await routeOf(open('gpu-box.test', true), 'hello')).toBe('frontier')
  })
})
