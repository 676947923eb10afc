/** F61: requests that are nearly the same. F62: answers that must not be given again. Both with the cache on. */
import { createHash } from 'node:crypto'
import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { createAnthropicModel } from '../../src/models/anthropic.ts'
import { createOpenAiCompatibleModel } from '../../src/models/openai-compatible.ts'
import { createRoster } from '../../src/pipeline/roster.ts'
import type { PolicyInput } from '../../src/spec/policy.ts'
import type { ModelPort } from '../../src/spec/ports.ts'
import type { RouterRequest } from '../../src/spec/request.ts'
import { validatePolicy } from '../../src/stores/policy-file.ts'
import { manualClock } from '../../src/testing.ts'
import { adversarialRows } from '../support/adversarial.ts'
import { anthropicStream, openAiStream } from '../support/cloud-answers.ts'
import { memoryDispatcher } from '../support/memory-dispatcher.ts'
import { sampleRouter } from '../support/sample-router.ts'

const MODELS: PolicyInput['models'] = {
  big: { provider: 'openai', model: 'gpt-4.1-nano', tier: 'frontier', apiKey: '${env:KEY}' },
}
const POLICY: PolicyInput = {
  models: MODELS,
  tasks: { chat: { pattern: 'direct', local: false }, other: { pattern: 'direct', local: false } },
  defaults: { task: 'chat' },
  cache: { exact: true, ttl: '1h', maxEntries: 100_000 },
}
const digest = (value: unknown): string => createHash('sha256').update(JSON.stringify(value)).digest('hex').slice(0, 20)

/** The model answers with a digest of all it was asked, so that a foreign answer shows. */
function echoing() {
  const sample = sampleRouter({
    policy: POLICY,
    env: { KEY: 'k' },
    models: { big: { answers: (call) => digest(call) } },
  })
  const ask = async (request: RouterRequest) => {
    const { answer, decision } = await sample.router.complete(request)
    return { answer, isHit: decision.route === 'cache' }
  }
  return { ...sample, ask }
}

const SAID = [
  '12 apples',
  '13 apples',
  '12 apple',
  'not 12 apples',
  'Anna owes Ben',
  'Ben owes Anna',
  '12  apples',
  '１２ apples',
]
const TENANTS = ['acme', 'acme2', null]
const SYSTEMS = ['Be brief.', 'Be brief', null]

/** Requests of which each differs from the others in one field at least, some in nothing but a digit. */
function nearDuplicates(): readonly RouterRequest[] {
  return SAID.flatMap((content) =>
    TENANTS.flatMap((tenant) =>
      SYSTEMS.flatMap((system) =>
        [{}, { maxOutputTokens: 5 }].map((change) => ({
          messages: [
            ...(system === null ? [] : [{ role: 'system' as const, content: system }]),
            { role: 'user' as const, content },
          ],
          metadata: { task: 'chat', ...(tenant !== null && { tenant }) },
          ...change,
        })),
      ),
    ),
  )
}

const text = fc.constantFrom('a', 'b', '1', '2')
/** Every field that shapes an answer. `temperature`, tools and images are never cached at all. */
const request: fc.Arbitrary<RouterRequest> = fc.record(
  {
    messages: fc.array(
      fc.record({ role: fc.constantFrom('system', 'user', 'assistant'), content: text }) as fc.Arbitrary<
        RouterRequest['messages'][number]
      >,
      { minLength: 1, maxLength: 2 },
    ),
    metadata: fc.record({ task: fc.constantFrom('chat', 'other'), tenant: text }, { requiredKeys: ['task'] }),
    maxOutputTokens: fc.constantFrom(1, 2),
    temperature: fc.constantFrom(0, 0.5),
    topP: fc.constantFrom(0.5, 1),
    stop: fc.array(text, { minLength: 1, maxLength: 2 }),
    seed: fc.constantFrom(1, 2),
    tools: fc.constantFrom([{ name: 'x' }], [{ name: 'y' }]),
    responseSchema: fc.constantFrom({ type: 'object' }, { type: 'string' }),
    wire: fc.record({
      dialect: fc.constant('openai_chat' as const),
      body: fc.record(
        { presence_penalty: fc.constantFrom(0, 1), logit_bias: fc.constantFrom({}, { 1: 1 }) },
        { requiredKeys: [] },
      ),
    }),
  },
  { requiredKeys: ['messages', 'metadata'] },
)

describe('F61', () => {
  it('144 near duplicates, each against each: every one gets its own answer, and gets it again', async () => {
    const { ask } = echoing()
    const requests = nearDuplicates()
    const first: string[] = []
    for (const one of requests) {
      const { answer, isHit } = await ask(one)
      expect(isHit).toBe(false)
      first.push(answer ?? '')
    }
    for (const [index, one] of requests.entries()) expect(await ask(one)).toEqual({ answer: first[index], isHit: true })
  })

  it('a request that differs in one field from the one before is asked anew', async () => {
    const { ask } = echoing()
    let pairs = 0
    const pair = fc.tuple(request, request, fc.constantFrom(...FIELDS))
    await fc.assert(
      fc.asyncProperty(pair, async ([first, other, field]) => {
        fc.pre(JSON.stringify(other[field]) !== JSON.stringify(first[field]))
        // The words of its own keep a pair apart from all others.
        const own = `pair ${pairs++}`
        const marked = ({ messages, ...rest }: RouterRequest): RouterRequest => ({
          ...rest,
          messages: messages.map((message) => ({ ...message, content: `${own} ${message.content}` })),
        })
        const one = await ask(marked(first))
        const two = await ask(marked({ ...first, [field]: other[field] }))
        expect([one.isHit, two.isHit]).toEqual([false, false])
      }),
      { numRuns: 2000, seed: 61 },
    )
  })
})

const FIELDS = [
  'messages',
  'metadata',
  'maxOutputTokens',
  'topP',
  'stop',
  'seed',
  'tools',
  'responseSchema',
  'wire',
] as const

interface FaultRow {
  readonly id: string
  readonly dialect: string
  readonly terminal: string
  readonly text: string
}

const faults = adversarialRows<FaultRow>('stream_faults_dev.jsonl')?.filter(({ dialect }) =>
  ['openai-chat', 'anthropic'].includes(dialect),
)

describe.skipIf(faults === undefined)('F62 (skipped without the shared data)', () => {
  it('no answer that broke off, failed or made no sense is kept: the next request is asked anew', async () => {
    const kept: string[] = []
    for (const row of faults ?? []) {
      const { router, calls } = playing(row)
      const ask = () => router.complete({ messages: [{ role: 'user', content: 'What is a dam?' }] }).catch(() => null)
      const [first, second] = [await ask(), await ask()]
      if (row.terminal === 'complete') continue
      if (first !== null || second?.decision.route === 'cache' || calls() !== 2) kept.push(row.id)
    }
    expect(kept).toEqual([])
    expect((faults ?? []).filter(({ terminal }) => terminal !== 'complete').length).toBeGreaterThan(100)
  })
})

/** A router whose one model plays the broken answer first and a whole one afterwards. */
function playing({ dialect, text: broken }: FaultRow) {
  const whole = dialect === 'anthropic' ? anthropicStream(['A wall.']) : openAiStream(['A wall.'])
  const pieces = [[Buffer.from(broken)], whole.pieces.map((piece) => Buffer.from(piece))]
  let asked = 0
  const open = (): ModelPort => {
    const dispatcher = memoryDispatcher({
      headers: { 'content-type': 'text/event-stream' },
      pieces: pieces[asked] ?? [],
    })
    const settings = { name: 'big', apiKey: 'k', model: 'm-1', maxOutputTokens: 100, dispatcher }
    return dialect === 'anthropic'
      ? createAnthropicModel({ ...settings, baseUrl: 'http://cloud.test' })
      : createOpenAiCompatibleModel({ ...settings, baseUrl: 'http://cloud.test/v1' })
  }
  const port: ModelPort = {
    name: 'big',
    generate(call, limits) {
      const model = open()
      asked += 1
      return model.generate({ ...call, stream: true }, limits)
    },
    close: async () => undefined,
  }
  const policy: PolicyInput = { ...POLICY, routing: { maxFallbackAttempts: 0 } }
  const clock = manualClock({ sleeping: 'skip' })
  const models = Object.entries(validatePolicy(policy, { file: 'f62.yaml', env: { KEY: 'k' } }).policy.models)
  const roster = createRoster(
    models.map(([name, model]) => ({ name, policy: model, obstacle: () => null, open: () => port })),
    clock,
  )
  const { router } = sampleRouter({ policy, env: { KEY: 'k' }, models: {} }, { roster, clock })
  return { router, calls: () => asked }
}
