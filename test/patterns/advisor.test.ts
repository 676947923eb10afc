import { describe, expect, it } from 'vitest'
import { BINDING_WORDS, boundRequest, parseAdvice } from '../../src/patterns/advice.ts'
import { validatePolicy } from '../../src/stores/policy-file.ts'
import { ACCEPTING } from '../support/chat-task.ts'
import { sampleRouter } from '../support/sample-router.ts'

describe('advice', () => {
  it.each(['APPROVE', 'approve.', ' Approve\n'])('%j approves', (text) =>
    expect(parseAdvice(text)).toEqual({ word: 'APPROVE', plan: '' }),
  )

  it('takes what stands behind REDO for the plan', () => {
    expect(parseAdvice('REDO\n1. Say who.\n2. Say when.')).toEqual({ word: 'REDO', plan: '1. Say who.\n2. Say when.' })
    expect(parseAdvice('redo: say who')).toEqual({ word: 'REDO', plan: 'say who' })
  })

  it.each(['APPROVE, but name the year', 'Name the year.', 'APPROVED'])('never takes %j for an approval', (text) =>
    expect(parseAdvice(text)).toEqual({ word: 'unreadable', plan: text }),
  )

  it('binds the local model in words that leave no choice, behind the answer that is to be replaced', () => {
    const asked = { answer: { text: 'Bob.', toolCalls: [] } } as unknown as Parameters<typeof boundRequest>[2]
    const { messages } = boundRequest({ messages: [{ role: 'user', content: 'Who?' }] }, '1. Say Ada.', asked)
    expect(messages.map(({ role }) => role)).toEqual(['user', 'assistant', 'user'])
    expect(messages[1]?.content).toBe('Bob.')
    expect(messages[2]?.content).toBe(`${BINDING_WORDS}\n\n1. Say Ada.`)
    expect(BINDING_WORDS).toContain('MUST')
  })
})

describe('a revision', () => {
  it('is no second try of a failed call, so that no retry budget ends it', async () => {
    let turn = 0
    const { router } = sampleRouter({
      policy: {
        models: MODELS,
        tasks: {
          chat: {
            ...ACCEPTING,
            complexity: 'simple',
            pattern: 'advisor',
          },
        },
      },
      env: { KEY: 'k' },
      models: {
        small: { answers: () => 'Ada.' },
        big: { answers: () => (turn++ % 2 === 0 ? 'REDO: who?' : 'APPROVE') },
      },
    })
    const request = { messages: [{ role: 'user', content: 'Who wrote it?' }], metadata: { task: 'chat' } } as const
    const routes = new Set<string>()
    for (let at = 0; at < 100; at++) routes.add((await router.complete(request)).decision.reason)
    expect([...routes]).toEqual(['local_accepted'])
  })
})

const MODELS = {
  small: { provider: 'embedded', model: 'smollm2-135m-instruct', tier: 'local_fast' },
  big: { provider: 'openai', model: 'gpt-4.1-nano', tier: 'frontier', apiKey: '${env:KEY}' },
} as const

function problemWith(options: object, task: object = {}): string {
  const policy = { models: MODELS, tasks: { chat: { ...task, pattern: { advisor: options } } } }
  try {
    validatePolicy(policy, { file: 'p.yaml', env: { KEY: 'k' } })
  } catch (error) {
    return (error as Error).message
  }
  return ''
}

describe('the policy of advisor', () => {
  it.each([
    [{ when: 'later' }, 'tasks.chat.pattern.advisor.when'],
    [{ maxConsultations: 0 }, 'tasks.chat.pattern.advisor.maxConsultations'],
    [{ by: 'self' }, 'a model does not review its own draft'],
    [{ by: 'huge' }, 'there is no model huge'],
    [{ executor: 'small' }, 'small is a local model'],
    [{ executor: 'big', by: 'big' }, 'a model does not review its own draft'],
    [{ executor: 'huge' }, 'there is no model huge'],
  ])('refuses %j', (options, problem) => expect(problemWith(options)).toContain(problem))

  it('is for answers that are written', () => {
    expect(problemWith({}, { kind: 'boolean' })).toContain('kind boolean is read from the model')
    expect(problemWith({}, { kind: 'code' })).toBe('')
  })
})
