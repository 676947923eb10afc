import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { PolicyInput } from '../../src/spec/policy.ts'
import type { RequestMetadata, RouterRequest } from '../../src/spec/request.ts'
import { type ConversationStore, MOST_PER_TENANT, openConversations } from '../../src/stores/conversations.ts'
import { type SampleScript, sampleRouter } from '../support/sample-router.ts'

const MODELS: PolicyInput['models'] = {
  small: { provider: 'embedded', model: 'smollm2-135m-instruct', tier: 'local_fast' },
  big: { provider: 'openai', model: 'gpt-4.1-nano', tier: 'frontier', apiKey: '${env:KEY}' },
}
type Task = NonNullable<PolicyInput['tasks']>[string]
const IBAN = 'DE89 3704 0044 0532 0130 00'

function script(task: Task = {}, change: Partial<SampleScript> & { readonly privacy?: PolicyInput['privacy'] } = {}) {
  const { privacy = {}, ...rest } = change
  const base = { local: 'small', frontier: 'big', stage: 'accept', accept: { uncalibrated: true } } as const
  return {
    policy: { models: MODELS, tasks: { chat: { ...base, gates: { entropyNats: null }, ...task } }, privacy },
    env: { KEY: 'k' },
    models: { small: { answers: Array.from({ length: 9 }, () => 'local') }, big: { answers: ['1', '2', '3', '4'] } },
    ...rest,
  } satisfies SampleScript
}

function ask(text: string, metadata: RequestMetadata = {}): RouterRequest {
  return { messages: [{ role: 'user', content: text }], metadata: { task: 'chat', ...metadata } }
}

const LOCAL_ONLY = { partition: 'local_only' } as const

describe('for a local_only request no client of a frontier is made', () => {
  const down = { fail: 'model_unreachable', values: { model: 'small', problem: 'gone' } } as const
  const cases: readonly (readonly [string, SampleScript])[] = [
    ['when local answers', script()],
    ['in shadow', script({ stage: 'shadow', accept: { uncalibrated: true } })],
    ['in a canary', script({ stage: { canary: { percent: 0 } } })],
    ['when the task is off', script({ stage: 'off' })],
    ['when the task wants a frontier', script({ local: false })],
    ['when the impact is high', script({ impact: 'high' })],
    ['when local fails', script({}, { models: { small: { answers: [down, down, down] } } })],
    ['when the gates reject', script({ gates: { length: { minChars: 500 } } })],
    ['with a judge on a frontier', script({ judge: { by: 'big', greyZone: { from: 0, to: 1 } } })],
    ['when no bound is proven', script({ accept: {} })],
    [
      'when there is no local model',
      { ...script(), policy: { models: { big: MODELS.big ?? never() }, tasks: { chat: {} } } },
    ],
  ]
  it.each(cases)('%s', async (_, own) => {
    for (const deliver of ['whole', 'stream'] as const) {
      const sample = sampleRouter(own)
      const request = ask('hello', LOCAL_ONLY)
      const answered = deliver === 'whole' ? sample.router.complete(request) : drain(sample.router.stream(request))
      const outcome = await answered.catch((error: { code: string }) => error.code)
      await sample.router.close()
      expect(sample.opened).not.toContain('big')
      expect(sample.journal.filter(({ type }) => type === 'egress')).toEqual([])
      if (typeof outcome === 'string')
        expect(['privacy_local_only', 'held_for_human', 'model_unreachable']).toContain(outcome)
    }
  })

  it.each(cases.filter(([name]) => /shadow|canary|off|wants|impact|reject|judge|proven/.test(name)))(
    'and one is made for internal text: %s',
    async (_, own) => {
      const sample = sampleRouter(own)
      await sample.router.complete(ask('hello'))
      await sample.router.close()
      expect(sample.opened).toContain('big')
    },
  )

  it('and without local models it is held, with the partition as the reason', async () => {
    const sample = sampleRouter(script({ local: false }))
    const { decision, answer } = await sample.router.complete(ask('hello', LOCAL_ONLY))
    expect([decision.route, decision.reason, answer]).toEqual(['held', 'privacy_local_only', null])
  })
})

function never(): never {
  throw new Error('the model is there')
}

async function drain(events: AsyncIterable<unknown>): Promise<void> {
  for await (const _ of events);
}

describe('a conversation', () => {
  let folder: string
  let store: ConversationStore
  let nowMs: number
  const open = (): ConversationStore =>
    openConversations({ path: join(folder, 'conversations.sqlite'), memoryMs: 60_000, epochMs: () => nowMs })
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'spillway-partition-'))
    nowMs = 1_000_000
    store = open()
  })
  afterEach(() => {
    store.close()
    rmSync(folder, { recursive: true, force: true })
  })
  const router = (privacy: PolicyInput['privacy'] = {}) =>
    sampleRouter(script({ stage: 'accept' }, { privacy }), { conversations: store })
  const partitionOf = (request: RouterRequest, privacy?: PolicyInput['privacy']) => {
    const { partition, partitionSource } = router(privacy).router.route(request).features
    return [partition, partitionSource]
  }
  const STUCK = ['local_only', 'an earlier request of the conversation']
  const FREE = ['internal', 'privacy.default']

  it('with an id that was local_only once stays so, for its tenant', async () => {
    await router().router.complete(ask('first', { ...LOCAL_ONLY, conversation: 'c1', tenant: 'acme' }))
    expect(partitionOf(ask('quite another text', { conversation: 'c1', tenant: 'acme' }))).toEqual(STUCK)
    expect(partitionOf(ask('other', { conversation: 'c2', tenant: 'acme' }))).toEqual(FREE)
    expect(partitionOf(ask('other', { conversation: 'c1', tenant: 'globex' }))).toEqual(FREE)
    expect(partitionOf(ask('other', { conversation: 'c1' }))).toEqual(FREE)
  })

  it('is remembered by other processes, and by the next one', async () => {
    const other = open()
    await router().router.complete(ask('first', { ...LOCAL_ONLY, conversation: 'c1' }))
    const keys = { tenant: null, isNamed: true, keys: ['x'] }
    expect([other.isEmpty(), other.find(keys)]).toEqual([false, null])
    store.close()
    store = other
    expect(partitionOf(ask('again', { conversation: 'c1' }))).toEqual(STUCK)
  })

  it('without an id is known by its beginning', async () => {
    await router().router.complete(ask('first', LOCAL_ONLY))
    const next = (first: string): RouterRequest => ({
      messages: [
        { role: 'system', content: 'today is another day' },
        { role: 'user', content: first },
        { role: 'assistant', content: 'whatever was said' },
        { role: 'user', content: 'and now?' },
      ],
      metadata: { task: 'chat' },
    })
    expect(partitionOf(next('first'))).toEqual(STUCK)
    expect(partitionOf(next('another'))).toEqual(FREE)
  })

  it('stays the same one when the client names it later, no more, or anew', async () => {
    const goesOn = (first: string, conversation?: string): RouterRequest => ({
      messages: [
        { role: 'user', content: first },
        { role: 'assistant', content: 'whatever was said' },
        { role: 'user', content: 'and now?' },
      ],
      metadata: { task: 'chat', ...(conversation && { conversation }) },
    })
    await router().router.complete(ask('unnamed at first', LOCAL_ONLY))
    expect(partitionOf(goesOn('unnamed at first', 'n1'))).toEqual(STUCK)
    await router().router.complete(ask('named at first', { ...LOCAL_ONLY, conversation: 'n2' }))
    expect(partitionOf(goesOn('named at first'))).toEqual(STUCK)
    expect(partitionOf(goesOn('named at first', 'n3'))).toEqual(STUCK)
    expect(partitionOf(ask('what came later', { conversation: 'n2' }))).toEqual(STUCK)
    // What a request said under its new name is known under it from then on.
    await router().router.complete(goesOn('unnamed at first', 'n4'))
    expect(partitionOf(ask('what came later', { conversation: 'n4' }))).toEqual(STUCK)
    expect(partitionOf(goesOn('another beginning', 'n5'))).toEqual(FREE)
    // A client that sends nothing but what is new says the same in many conversations.
    expect(partitionOf(ask('what came later', { conversation: 'n5' }))).toEqual(FREE)
    expect(partitionOf(ask('named at first'))).toEqual(STUCK)
    const detect = { localOnly: { detect: ['iban' as const] } }
    await router(detect).router.complete(ask(`pay ${IBAN}`, { conversation: 'n6' }))
    expect(partitionOf(goesOn(`pay ${IBAN}`))).toEqual(STUCK)
  })

  it('sticks to what detectors found, too', async () => {
    const privacy = { localOnly: { detect: ['iban' as const] } }
    await router(privacy).router.complete(ask(`pay ${IBAN}`, { conversation: 'c1' }))
    expect(partitionOf(ask('and now?', { conversation: 'c1' }), privacy)).toEqual(STUCK)
  })

  it('sticks to internal where the default is public', async () => {
    const privacy = { default: 'public' as const }
    await router(privacy).router.complete(ask('first', { partition: 'internal', conversation: 'c1' }))
    expect(partitionOf(ask('next', { conversation: 'c1' }), privacy)).toEqual(['internal', STUCK[1]])
    expect(partitionOf(ask('next', { conversation: 'c2' }), privacy)).toEqual(['public', 'privacy.default'])
  })

  it('is forgotten when no private request came for as long as the policy says', async () => {
    await router().router.complete(ask('first', { ...LOCAL_ONLY, conversation: 'c1' }))
    nowMs += 59_999
    expect(partitionOf(ask('next', { conversation: 'c1' }))).toEqual(STUCK)
    nowMs += 2
    expect(partitionOf(ask('next', { conversation: 'c1' }))).toEqual(FREE)
  })

  it('is not changed by explaining a route', () => {
    partitionOf(ask('first', { ...LOCAL_ONLY, conversation: 'c1' }))
    expect(store.isEmpty()).toBe(true)
  })

  it('counts as private when what is known of it cannot be read', () => {
    store.close()
    writeFileSync(join(folder, 'conversations.sqlite'), 'this is no database, and long enough to be seen as none')
    expect(partitionOf(ask('next', { conversation: 'c1' }))).toEqual(STUCK)
  })

  it('is not answered when it cannot be written down', async () => {
    store.close()
    writeFileSync(join(folder, 'conversations.sqlite'), 'this is no database, and long enough to be seen as none')
    const sample = router()
    const refused = sample.router.complete(ask('first', { ...LOCAL_ONLY, conversation: 'c1' }))
    await expect(refused).rejects.toMatchObject({ code: 'conversations_unwritable', row: { status: 503 } })
    expect([sample.opened, sample.journal]).toEqual([[], []])
  })

  it('of one tenant is not displaced by a flood of another', () => {
    const keys = (tenant: string, key: string) => ({ tenant, isNamed: true, keys: [key] })
    const claim = { partition: 'local_only', cause: 'said' } as const
    store.remember(keys('acme', 'old'), claim)
    for (let at = 0; at < MOST_PER_TENANT + 600; at++) {
      nowMs += 1
      store.remember(keys('flood', `c${at}`), claim)
    }
    expect(store.find(keys('acme', 'old'))).toEqual(claim)
    expect(store.find(keys('flood', 'c0'))).toBeNull()
    expect(store.find(keys('flood', `c${MOST_PER_TENANT + 599}`))).toEqual(claim)
  })
})

describe('a detector', () => {
  const privacy: PolicyInput['privacy'] = { localOnly: { detect: ['iban'], detectWithin: '50ms' } }
  const outcomeWith = async (findPrivate: Parameters<typeof sampleRouter>[1]) => {
    const sample = sampleRouter(script({ local: false }, { privacy }), findPrivate)
    const { decision } = await sample.router.complete(ask('hello'))
    const { features } = sample.router.route(ask('hello'))
    return { reason: decision.reason, opened: sample.opened, source: features.partitionSource }
  }

  it('that fails makes the request local_only', async () => {
    const failing = () => {
      throw new Error('out of order')
    }
    expect(await outcomeWith({ findPrivate: failing })).toEqual({
      reason: 'privacy_local_only',
      opened: [],
      source: 'privacy.localOnly.detect: a detector failed',
    })
  })

  it('that takes longer than the policy allows makes the request local_only', async () => {
    let nowMs = 0
    const clock = { epochMs: () => nowMs, monotonicMs: () => nowMs, sleep: async () => {} }
    const slow = (ms: number) => () => {
      nowMs += ms
      return []
    }
    expect(await outcomeWith({ findPrivate: slow(51), clock })).toEqual({
      reason: 'privacy_local_only',
      opened: [],
      source: 'privacy.localOnly.detect: a detector took more than 50 ms',
    })
    expect(await outcomeWith({ findPrivate: slow(50), clock })).toMatchObject({ opened: ['big'] })
  })
})
