import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { createRouter, type RouterSettings } from '../../src/compose.ts'
import type { PolicyInput } from '../../src/spec/policy.ts'
import type { StreamEvent } from '../../src/spec/response.ts'
import type { Router } from '../../src/spec/router.ts'
import { scriptedModel } from '../../src/testing.ts'

const STOPPED = {
  messages: [{ role: 'user' as const, content: 'Is CVE-2024-3094 in our image?' }],
  metadata: { task: 'triage' },
}
const CONTENT_KEY = Buffer.alloc(32, 7).toString('base64')

let folder = ''
const routers: Router[] = []
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'spillway-held-'))
})
afterEach(async () => {
  for (const router of routers.splice(0)) await router.close()
  rmSync(folder, { recursive: true, force: true })
})

function open(review: PolicyInput['review'] = {}, more: Partial<RouterSettings> = {}) {
  const small = scriptedModel({ name: 'small', answers: () => 'The local answer.' })
  const router = createRouter({
    policy: {
      models: { small: { provider: 'embedded', model: 'smollm2-135m-instruct', tier: 'local_fast' } },
      tasks: {
        triage: {
          local: 'small',
          frontier: false,
          stage: 'accept',
          accept: { uncalibrated: true },
          gates: { entropyNats: null },
        },
      },
      review,
    },
    env: { SPILLWAY_CONTENT_KEY: CONTENT_KEY },
    paths: { configDir: folder, dataDir: folder, cacheDir: folder, stateDir: folder },
    models: { small },
    ...more,
  })
  routers.push(router)
  return { router, small }
}

describe('a held request of a program', () => {
  it('is waited for in one process and answered in another', async () => {
    const { router } = open()
    const { held, decision } = await router.complete(STOPPED)
    expect(decision.route).toBe('held')
    const id = held?.id ?? ''
    const waiting = router.held.wait(id)
    const early = await router.held.wait(id, { timeoutMs: 1 })
    expect(early).toMatchObject({ state: 'waiting', outcome: null })
    await open().router.held.answer(id, { by: 'ann', text: 'No.' })
    expect(await waiting).toMatchObject({ state: 'answered', outcome: { answer: 'No.', decision: { route: 'human' } } })
    const gone = new AbortController()
    const { held: other } = await router.complete(STOPPED)
    const left = router.held.wait(other?.id ?? '', { signal: gone.signal })
    gone.abort()
    await expect(left).rejects.toMatchObject({ code: 'cancelled' })
    await expect(router.held.wait('nobody')).rejects.toMatchObject({ code: 'not_found' })
  })

  it('goes on with its leave when the program sends it again, streamed too', async () => {
    const { router } = open()
    const id = (await router.complete(STOPPED)).held?.id ?? ''
    expect(await router.held.release(id, { by: 'ann', why: 'harmless' })).toMatchObject({ state: 'released' })
    let last: StreamEvent | null = null
    for await (const event of router.stream(STOPPED, { held: id })) last = event
    expect(last).toMatchObject({ type: 'final', outcome: { answer: 'The local answer.' } })
    expect(router.held.find(id)).toMatchObject({ state: 'answered', outcome: null, decision: { by: 'ann' } })
  })

  it('is released once, however many people say so in the same moment', async () => {
    const { router, small } = open({ keep: 'text' })
    const { router: other, small: same } = open({ keep: 'text' })
    const id = (await router.complete(STOPPED)).held?.id ?? ''
    const said = [router, other, router, other].map(({ held }) => held.release(id, { by: 'ann', why: 'harmless' }))
    const done = await Promise.allSettled(said)
    expect(done.filter(({ status }) => status === 'fulfilled')).toHaveLength(1)
    for (const one of done) if (one.status === 'rejected') expect(one.reason).toMatchObject({ code: 'held_decided' })
    expect(small.calls.length + same.calls.length).toBe(1)
  })

  it('is there again when the release is broken off', async () => {
    const { router } = open({ keep: 'text' })
    const id = (await router.complete(STOPPED)).held?.id ?? ''
    const broken = router.held.release(id, { by: 'ann', why: 'x', signal: AbortSignal.abort() })
    await expect(broken).rejects.toMatchObject({ code: 'cancelled' })
    expect(router.held.find(id)).toMatchObject({ state: 'waiting', decision: null })
  })

  it('keeps no text without a key to encrypt it with, and says so at the start', () => {
    expect(() => open({ keep: 'text' }, { env: {} })).toThrow('SPILLWAY_CONTENT_KEY is not set')
  })

  it('waits for nobody in a trial with a folder of its own', async () => {
    const { router } = open({}, { auditDir: join(folder, 'trial') })
    const outcome = await router.complete(STOPPED)
    expect(outcome.decision.route).toBe('held')
    expect(outcome.held).toBeUndefined()
    expect(router.status().held).toBeNull()
    expect(router.held.list()).toEqual([])
    await expect(router.held.answer('x', { by: 'ann', text: 'x' })).rejects.toMatchObject({ code: 'not_found' })
  })

  it('is held all the same when it cannot be put anywhere, and the status says why', async () => {
    const { router } = open()
    await router.complete(STOPPED)
    const raw = new DatabaseSync(join(folder, 'held.sqlite'))
    raw.exec('DROP TABLE notice; DROP TABLE held')
    raw.close()
    const outcome = await router.complete(STOPPED)
    expect(outcome.decision.route).toBe('held')
    expect(outcome.held).toBeUndefined()
    expect(router.status().held?.problem).toMatch(/held\.sqlite cannot be written/)
  })
})
