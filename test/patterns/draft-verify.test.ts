import { describe, expect, it } from 'vitest'
import { GATE_NAMES } from '../../src/gates/gate.ts'
import { parseVerdict } from '../../src/patterns/draft-verify.ts'
import { VERIFYING_GATES } from '../../src/spec/policy-draft-verify.ts'
import type { StreamEvent } from '../../src/spec/response.ts'
import { validatePolicy } from '../../src/stores/policy-file.ts'
import { sampleRouter } from '../support/sample-router.ts'

describe('a verdict', () => {
  it.each(['ACCEPT', 'accept', ' Accept.\n'])('%j accepts', (text) => expect(parseVerdict(text)).toBe('ACCEPT'))

  it.each(['REJECT', 'Reject: wrong year', 'reject\n'])('%j rejects', (text) =>
    expect(parseVerdict(text)).toBe('REJECT'),
  )

  it.each(['', 'ACCEPTED', 'ACCEPT or REJECT', 'Yes', '**ACCEPT**', 'I ACCEPT', 'ACCEPT!', 'REJECTED'])(
    '%j is unreadable',
    (text) => expect(parseVerdict(text)).toBe('unreadable'),
  )
})

const MODELS = {
  small: { provider: 'embedded', model: 'smollm2-135m-instruct', tier: 'local_fast' },
  big: { provider: 'openai', model: 'gpt-4.1-nano', tier: 'frontier', apiKey: '${env:KEY}' },
  other: { provider: 'openai', model: 'gpt-4.1-nano', tier: 'frontier', apiKey: '${env:KEY}' },
} as const
const TASK = {
  local: 'small',
  frontier: 'big',
  stage: 'accept',
  complexity: 'simple',
  accept: { uncalibrated: true },
} as const
const REQUEST = { messages: [{ role: 'user', content: 'Who wrote it?' }], metadata: { task: 'chat' } } as const

function problemWith(options: object): string {
  const policy = { models: MODELS, tasks: { chat: { ...TASK, pattern: { draft_verify: options } } } }
  try {
    validatePolicy(policy, { file: 'p.yaml', env: { KEY: 'k' } })
  } catch (error) {
    return (error as Error).message
  }
  return ''
}

describe('the policy of draft_verify', () => {
  it.each([
    [{ verifier: 'self' }, 'a model does not review its own draft'],
    [{ verifier: 'smal' }, 'there is no model smal'],
    [{ verifier: 'other' }, 'other is not a frontier of this task'],
    [{ verifier: { gates: ['verify_code'] } }, 'the task has no gate verify_code'],
    [{ verifier: { gates: ['schem'] } }, 'tasks.chat.pattern.draft_verify.verifier.gates.0'],
    [{ drafter: 'small' }, 'small is a local model'],
    [{ drafter: 'big', verifier: 'big' }, 'a model does not review its own draft'],
    [{ when: 'never' }, 'tasks.chat.pattern.draft_verify.when'],
  ])('refuses %j', (options, problem) => expect(problemWith(options)).toContain(problem))

  it('names only gates that exist', () => {
    expect(VERIFYING_GATES.filter((gate) => !(GATE_NAMES as readonly string[]).includes(gate))).toEqual([])
  })
})

describe('a stream', () => {
  it('tells its reader that somebody is consulted before anything is committed', async () => {
    const { router } = sampleRouter({
      policy: { models: MODELS, tasks: { chat: { ...TASK, pattern: 'draft_verify', gates: { entropyNats: null } } } },
      env: { KEY: 'k' },
      models: { small: { answers: ['Ada.'] }, big: { answers: ['ACCEPT'] }, other: {} },
    })
    const events: StreamEvent[] = []
    for await (const event of router.stream(REQUEST)) events.push(event)
    expect(events.map(({ type }) => type)).toEqual(['waiting', 'commit', 'text', 'final'])
    expect(events[0]).toEqual({ type: 'waiting', what: 'consulting' })
  })
})

describe('the kill switch', () => {
  it('keeps a verifier from being asked that was in reach when the request was planned', async () => {
    let isStopped = false
    const order = {
      mode: 'local_only',
      scope: 'all',
      why: 'a drill',
      by: 'test',
      at: '2026-01-01T00:00:00Z',
    } as const
    const sample = sampleRouter(
      {
        policy: { models: MODELS, tasks: { chat: { ...TASK, pattern: 'draft_verify', gates: { entropyNats: null } } } },
        env: { KEY: 'k' },
        models: {
          small: {
            answers: () => {
              isStopped = true
              return 'Ada.'
            },
          },
          big: { answers: ['ACCEPT'] },
          other: {},
        },
      },
      { killSwitch: { ordersFor: () => (isStopped ? [order] : []) } },
    )
    const outcome = await sample.router.complete(REQUEST)
    expect(outcome.decision).toMatchObject({ route: 'local', degraded: true, reason: 'held_for_human' })
    expect(sample.models.big?.calls).toHaveLength(0)
    expect(outcome.attempts.map(({ purpose, outcome: end }) => `${purpose} ${end}`)).toEqual([
      'answer answered',
      'verdict failed',
    ])
  })
})
