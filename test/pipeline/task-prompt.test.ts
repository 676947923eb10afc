import { describe, expect, it } from 'vitest'
import { promptFor, promptIdentity } from '../../src/pipeline/task-prompt.ts'
import { type PolicyInput, policySchema } from '../../src/spec/policy.ts'
import { validatePolicy } from '../../src/stores/policy-file.ts'
import { sampleRouter } from '../support/sample-router.ts'

const SHOT = { input: 'a', output: 'yes' }

function task(prompt: Record<string, unknown>) {
  const parsed = policySchema.parse({ tasks: { t: { prompt } } as PolicyInput['tasks'] }).tasks.t
  if (!parsed) throw new Error('no task')
  return parsed
}

describe('the prompt of a task', () => {
  const own = task({
    system: 'Own words.',
    shots: [SHOT],
    version: '1',
    byModel: { big: { system: 'Words for the big one.', version: '1b' }, bare: { shots: [] } },
  })

  it('is the one written for the model, completed from its own', () => {
    expect(promptFor(own, 'small')).toMatchObject({ system: 'Own words.', shots: [SHOT], version: '1' })
    expect(promptFor(own, 'big')).toMatchObject({ system: 'Words for the big one.', shots: [SHOT], version: '1b' })
    expect(promptFor(own, 'bare')).toMatchObject({ system: 'Own words.', shots: [], version: '1' })
  })

  it('has a hash that changes with its words, and none when there are none', () => {
    const one = promptIdentity(promptFor(own, 'small'))
    expect(one).toMatchObject({ hash: expect.stringMatching(/^sha256:[0-9a-f]{64}$/), version: '1' })
    expect(promptIdentity(promptFor(own, 'big'))?.hash).not.toBe(one?.hash)
    expect(promptIdentity(task({}).prompt)).toBeNull()
  })

  it('reaches the model that is asked, and the audit record names it', async () => {
    const sample = sampleRouter({
      policy: {
        models: { small: { provider: 'embedded', model: 'smollm2-135m-instruct', tier: 'local_fast' } },
        tasks: {
          mood: {
            kind: 'boolean',
            local: 'small',
            accept: { uncalibrated: true },
            prompt: { system: 'For anyone.', byModel: { small: { system: 'For the small one.', version: 's2' } } },
          },
        },
      },
      models: { small: { decisions: [{ probabilities: { yes: 0.9, no: 0.1 } }] } },
    })
    await sample.router.decide({ task: 'mood', input: 'What a day!' })
    expect(sample.models.small?.decideCalls[0]?.instruction).toBe('For the small one.')
    expect(sample.record('req-1')?.localModel?.prompt).toMatchObject({ version: 's2' })
  })

  it('for a model that does not exist is an error of the policy', () => {
    const policy = { tasks: { t: { prompt: { byModel: { gone: { system: 'x' } } } } } }
    expect(() => validatePolicy(policy, { file: 'p.yaml', env: {} })).toThrow(
      'Policy p.yaml is invalid at tasks.t.prompt.byModel.gone: there is no model gone.',
    )
  })

  it('an adapter without an embedded model is an error of the policy', () => {
    const policy = { tasks: { t: { adapter: { path: 'x.gguf' } } } }
    expect(() => validatePolicy(policy, { file: 'p.yaml', env: {} })).toThrow(
      'Policy p.yaml is invalid at tasks.t.adapter: only an embedded model takes an adapter, and the policy has none.',
    )
  })
})
