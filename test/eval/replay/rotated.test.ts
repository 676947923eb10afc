import { describe, expect, it } from 'vitest'
import { recordedFate } from '../../../src/eval/replay/replay-record.ts'
import type { AuditRecord } from '../../../src/spec/audit.ts'
import type { LoadedPolicy, PolicyInput } from '../../../src/spec/policy.ts'
import type { LocalSetup } from '../../../src/spec/rotation.ts'
import { mergeEntry } from '../../../src/stores/merge-entry.ts'
import { NO_ROLLOUTS } from '../../../src/stores/rollouts.ts'
import { ACCEPTING, SMALL_AND_BIG } from '../../support/chat-task.ts'
import { otherSetup } from '../../support/other-setup.ts'
import { sampleRouter } from '../../support/sample-router.ts'
import { contextFor, ENV, loadedOf, replayRecord } from './traffic.ts'

type Task = NonNullable<PolicyInput['tasks']>[string]

const TRIAGE: Task = { ...ACCEPTING, kind: 'choice', labels: ['build', 'test'], prompt: { system: 'Which team?' } }
const policyOf = (task: Task): PolicyInput => ({
  models: {
    ...SMALL_AND_BIG,
    other: { provider: 'embedded', model: 'smollm2-360m-instruct', tier: 'local_quality' },
  },
  tasks: { triage: task },
})

/** A request that was answered while something was rotated in, as a store gives it back. */
async function rotated(setup: Partial<LocalSetup>): Promise<{ record: AuditRecord; loaded: LoadedPolicy }> {
  const loaded = loadedOf(policyOf(TRIAGE))
  const whole = otherSetup(policyOf(TRIAGE), setup)
  const decisions = () => ({ probabilities: { build: 0.9, test: 0.1 } })
  const sample = sampleRouter(
    { policy: policyOf(TRIAGE), env: ENV, models: { small: { decisions }, other: { decisions }, big: {} } },
    { loaded, rollouts: { ...NO_ROLLOUTS, setups: () => [{ task: 'triage', setup: whole }] } },
  )
  await sample.router.complete({ messages: [{ role: 'user', content: 'It broke.' }], metadata: { task: 'triage' } })
  const record = sample.journal.reduce<AuditRecord | undefined>((known, one) => mergeEntry(known, one), undefined)
  return { record: JSON.parse(JSON.stringify(record)), loaded }
}

describe('a request that was answered by what was rotated in', () => {
  it.each([
    [{}, 'other'],
    [
      { model: 'small', prompt: { system: 'Name the team.' }, promptHash: 'sha256:p', labels: ['test', 'build'] },
      'small',
    ],
  ])('comes to the decision on record under the same policy: %j', async (setup, model) => {
    const { record, loaded } = await rotated(setup)
    expect(record.decision).toMatchObject({ route: 'local', model })
    const replayed = await replayRecord(record, contextFor(loaded, loaded))
    expect(replayed).toMatchObject({ fate: recordedFate(record), how: 'decided' })
  })

  it('is held to another policy as long as that lets it stand', async () => {
    const { record, loaded } = await rotated({})
    const stricter = loadedOf(policyOf({ ...TRIAGE, minConfidence: 0.95 }))
    expect(await replayRecord(record, contextFor(loaded, stricter))).toMatchObject({
      fate: { route: 'frontier', reason: 'confidence_low' },
    })
  })

  it('is not replayable where the policy says something else of the model: that one was never asked', async () => {
    const { record, loaded } = await rotated({})
    const edited = loadedOf(policyOf({ ...TRIAGE, prompt: { system: 'What is it?' } }))
    expect(await replayRecord(record, contextFor(loaded, edited))).toMatchObject({ fate: null, why: 'no_answer' })
  })
})
