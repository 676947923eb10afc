import { describe, expect, it } from 'vitest'
import type { KeptExample } from '../../src/spec/learned.ts'
import type { PolicyInput } from '../../src/spec/policy.ts'
import type { RouterRequest } from '../../src/spec/request.ts'
import { sampleRouter } from '../support/sample-router.ts'

type Task = NonNullable<PolicyInput['tasks']>[string]

/** The local model says build with .9; the frontier says test. */
async function kept(task: Partial<Task>, request: Partial<RouterRequest> = {}, random = 0.5) {
  const examples: (KeptExample & { readonly task: string })[] = []
  const later: unknown[] = []
  const { router, record } = sampleRouter(
    {
      policy: {
        models: {
          small: { provider: 'embedded', model: 'smollm2-135m-instruct', tier: 'local_fast' },
          big: { provider: 'openai', model: 'gpt-4.1-nano', tier: 'frontier', apiKey: '${env:KEY}' },
        },
        tasks: {
          triage: { kind: 'choice', labels: ['build', 'test'], learn: { keep: 'text' }, stage: 'accept', ...task },
        },
      },
      env: { KEY: 'k' },
      models: {
        small: { decisions: () => ({ probabilities: { build: 0.9, test: 0.1 } }) },
        big: { answers: () => 'Test.' },
      },
    },
    {
      random: () => random,
      examples: {
        keep: (name, example) => void examples.push({ task: name, ...example }),
        label: (...label) => void later.push(label),
      },
      readAudit: ({ requestId }) => [record(requestId ?? '')].filter((one) => one !== undefined),
    },
  )
  const messages = [{ role: 'user' as const, content: 'npm ERR! password=hunter2hunter2 mail me at a@b.example' }]
  const { requestId } = await router.complete({ messages, metadata: { task: 'triage' }, ...request })
  return { examples, later, router, requestId }
}

describe('what a task keeps of its traffic', () => {
  it("is the masked text, and the frontier's option where it answered", async () => {
    const { examples, requestId } = await kept({ stage: 'shadow' })
    expect(examples).toMatchObject([
      { task: 'triage', requestId, isFair: true, label: { value: 'test', source: 'frontier' } },
    ])
    expect(examples[0]?.text).toContain('npm ERR!')
    expect(examples[0]?.text).not.toMatch(/hunter2|a@b/)
  })

  it('is fair where every answer escalates until a threshold is proven, and where a draw decided', async () => {
    const bounded = { accept: { maxErrorRate: 0.1 } }
    const [unproven] = (await kept(bounded)).examples
    expect(unproven).toMatchObject({ isFair: true, label: { value: 'test' } })
    const plain = { accept: { maxErrorRate: 0.1, uncalibrated: true } }
    const [drawn] = (await kept(plain, {}, 0.001)).examples
    expect(drawn).toMatchObject({ isFair: true, label: { value: 'test' } })
    const [rejected] = (await kept({ ...plain, minConfidence: 0.95 })).examples
    expect(rejected).toMatchObject({ isFair: false, label: { value: 'test' } })
  })

  it('has no label while the local answer stands, until feedback names the right one', async () => {
    const { examples, later, router, requestId } = await kept({ accept: { uncalibrated: true } })
    expect(examples).toMatchObject([{ isFair: false, label: null }])
    await router.feedback(requestId, { source: 'human', value: 'test' })
    expect(later).toEqual([['triage', requestId, { value: 'test', source: 'human' }]])
  })

  it("is nothing without the policy's word, and nothing of local_only requests", async () => {
    expect((await kept({ learn: { keep: 'none' } })).examples).toEqual([])
    const accept = { uncalibrated: true }
    const secret = { metadata: { task: 'triage', partition: 'local_only' as const } }
    expect((await kept({ accept }, secret)).examples).toEqual([])
  })
})
