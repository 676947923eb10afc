import { describe, expect, it } from 'vitest'
import type { ScriptedAnswer } from '../../src/testing.ts'
import { ask, collect, PARIS, purposes, ROME, said, sample, verdictOf } from './second-opinion-script.ts'

describe('agreement', () => {
  it('accepts what samples of the same model say again, and asks no more than settle it', async () => {
    const router = sample({ task: { agreement: {} }, models: PARIS })
    const outcome = await router.router.complete(ask('Capital of France?'))
    expect(outcome).toMatchObject({ answer: 'Paris.', decision: { route: 'local', reason: 'local_accepted' } })
    expect(purposes(outcome)).toEqual(['small answer', 'small agreement', 'small agreement'])
    expect(verdictOf(outcome, 'agreement')).toMatchObject({ accepted: true })
  })

  it('samples at the temperature of the policy, each with a seed of its own that follows from the caller', async () => {
    const router = sample({ task: { agreement: { temperature: 1.1, samples: 2, minShare: 1 } }, models: PARIS })
    await router.router.complete(ask('Capital of France?', { seed: 7, temperature: 0 }))
    expect(router.models.small?.calls.map(({ temperature, seed }) => [temperature, seed])).toEqual([
      [0, 7],
      [1.1, 8],
      [1.1, 9],
    ])
  })

  it('escalates with disagreement, and stops asking once nothing can bring agreement', async () => {
    const router = sample({ task: { agreement: {} }, models: ROME })
    const outcome = await router.router.complete(ask('Capital of France?'))
    expect(outcome).toMatchObject({ answer: 'From the frontier.', decision: { reason: 'disagreement' } })
    expect(purposes(outcome)).toEqual(['small answer', 'small agreement', 'small agreement', 'big answer'])
    expect(router.record('req-1')).toMatchObject({ outcome: 'escalated', reason: 'disagreement' })
  })

  it('lets no rejected text and no sample reach a reader of the stream', async () => {
    const router = sample({ task: { agreement: {} }, models: ROME })
    const events = JSON.stringify(await collect(router.router.stream(ask('Capital of France?'))))
    expect(events).toContain('From the frontier.')
    for (const text of ['Paris', 'Rome', 'Bonn']) expect(events).not.toContain(text)
  })

  it('asks nobody above the grey zone, below it, and where another gate has rejected', async () => {
    const zone = { greyZone: { from: 0.4, to: 0.8 } }
    for (const [answer, reason] of [
      [said('Paris.', 0.9), 'local_accepted'],
      [said('Paris.', 0.3), 'confidence_low'],
      [said('I cannot help with that.', 0.6), 'refusal'],
    ] as const) {
      const router = sample({ task: { agreement: zone }, models: { small: { answers: [answer, 'Paris'] } } })
      const outcome = await router.router.complete(ask('Capital of France?'))
      expect(outcome.decision.reason).toBe(reason)
      expect(router.models.small?.calls).toHaveLength(1)
    }
  })

  it('is asked for where the model gives no probabilities: a score that is not known is no reason to be sure', async () => {
    const router = sample({ task: { agreement: {} }, models: { small: { answers: ['Paris.', 'Paris', 'Paris'] } } })
    const outcome = await router.router.complete(ask('Capital of France?'))
    expect(outcome.decision.reason).toBe('local_accepted')
    expect(router.models.small?.calls).toHaveLength(3)
  })

  it('writes samples of an answer that was read into a schema, because another reading would say the same', async () => {
    const task = { agreement: { samples: 1 }, schema: { type: 'object' } }
    const router = sample({ task, models: { small: { answers: [said('{"a": 1}'), '{ "a": 1 }'] } } })
    const outcome = await router.router.complete(ask('Fill it.'))
    expect(verdictOf(outcome, 'agreement')).toMatchObject({ accepted: true })
    expect(JSON.stringify(router.models.small?.calls[1]?.messages)).toContain('JSON Schema')
  })

  it('lets a sample be written to its end, however unsure: it may be cut short only where it could be served', async () => {
    const unsure = { text: ['Par', 'is.'], progress: [{ tokens: 64, entropyLowNats: 5, entropyHighNats: 6 }] }
    const models = { small: { answers: [said('Paris.'), unsure] } }
    const router = sample({ task: { gates: {}, agreement: { samples: 1 } }, models })
    const outcome = await router.router.complete(ask('Capital of France?'))
    expect(outcome.decision.reason).toBe('local_accepted')
  })

  it('asks a second local model the same question, once', async () => {
    const models = { small: { answers: [said('Paris.')] }, peer: { answers: ['It is Rome.'] } }
    const router = sample({ task: { agreement: { with: 'peer' } }, models })
    const outcome = await router.router.complete(ask('Capital of France?'))
    expect(outcome.decision.reason).toBe('disagreement')
    expect(purposes(outcome)).toEqual(['small answer', 'peer agreement', 'big answer'])
    expect(router.record('req-1')?.localModel).toMatchObject({ name: 'small' })
  })

  it('takes the second opinion on a label from another model that decides', async () => {
    const task = { kind: 'choice', labels: ['build', 'test'], agreement: { with: ['peer'] }, minConfidence: 0.5 }
    const decided = (build: number) => ({ decisions: [{ probabilities: { build, test: 1 - build } }] })
    for (const [build, reason] of [
      [0.8, 'local_accepted'],
      [0.3, 'disagreement'],
    ] as const) {
      const router = sample({ task, models: { small: decided(0.7), peer: decided(build) } })
      expect((await router.router.complete(ask('It broke.'))).decision.reason).toBe(reason)
    }
  })

  it('samples the same model while the second one cannot be used, where answers are written', async () => {
    const models = { ...PARIS, peer: { answers: () => ({ fail: 'model_failed' }) as const } }
    const router = sample({ task: { agreement: { with: 'peer' }, onUnavailable: 'local' }, models })
    // The roster leaves a model alone after three failures in a row.
    const failing = sample({
      task: { agreement: { with: 'peer' } },
      models: { small: { answers: () => said('Paris.') }, peer: models.peer, big: { answers: () => 'f' } },
    })
    const reasons: string[] = []
    for (let turn = 0; turn < 4; turn++)
      reasons.push((await failing.router.complete(ask('Capital of France?'))).decision.reason)
    expect(reasons).toEqual(['signal_unavailable', 'signal_unavailable', 'signal_unavailable', 'local_accepted'])
    expect((await router.router.complete(ask('Capital?'))).decision.reason).toBe('signal_unavailable')
  })

  it('accepts no label while the second model cannot be used: a second reading is no second opinion', async () => {
    const task = { kind: 'boolean', agreement: { with: ['peer'] }, minConfidence: 0.5 }
    const models = {
      small: { decisions: () => ({ probabilities: { yes: 0.8, no: 0.2 } }), answers: () => 'yes' },
      peer: { decisions: () => ({ fail: 'model_failed' }) as const },
      big: { answers: () => 'yes' },
    }
    const router = sample({ task, models })
    for (let turn = 0; turn < 4; turn++)
      expect((await router.router.complete(ask('Is it?'))).decision.reason).toBe('signal_unavailable')
    expect(router.models.small?.decideCalls).toHaveLength(4)
    expect(router.models.small?.calls).toHaveLength(0)
    expect(router.models.peer?.decideCalls).toHaveLength(3)
  })

  it('reads embeddings only where words do not tell, and counts them', async () => {
    const reworded = 'Because a module was missing, the build failed.'
    const small = {
      answers: [
        said('The build failed because a module was missing.'),
        reworded,
        'The build failed, 2 modules missing.',
      ],
      vectors: () => [1, 0],
    }
    const router = sample({ task: { agreement: { equality: 'semantic', samples: 2, minShare: 1 } }, models: { small } })
    const outcome = await router.router.complete(ask('Why?'))
    expect(outcome.decision.reason).toBe('disagreement')
    expect(router.models.small?.embedCalls).toEqual(['The build failed because a module was missing.', reworded])
    expect(purposes(outcome).filter((purpose) => purpose === 'small agreement')).toHaveLength(4)
  })

  it('takes answers that could not be compared in meaning for no opinion', async () => {
    const small = {
      answers: [
        said('The build failed because a module was missing.'),
        'Because a module was missing, the build failed.',
      ],
      vectors: () => ({ fail: 'model_failed' }) as const,
    }
    const router = sample({ task: { agreement: { equality: 'semantic', samples: 1 } }, models: { small } })
    expect((await router.router.complete(ask('Why?'))).decision.reason).toBe('signal_unavailable')
    expect(router.models.small?.embedCalls).toHaveLength(2)
  })

  it('asks for every sample where their semantic entropy is limited, and rejects on it alone', async () => {
    const small = { answers: [said('Paris.'), 'Paris', 'Paris', 'Rome', 'Bonn'] }
    const limited = { samples: 4, minShare: 0.5, maxSemanticEntropyNats: 1 }
    const router = sample({ task: { agreement: limited }, models: { small } })
    const outcome = await router.router.complete(ask('Capital?'))
    expect(verdictOf(outcome, 'agreement')).toMatchObject({ accepted: true, score: 0.5 })
    expect(verdictOf(outcome, 'semantic_entropy')).toMatchObject({ accepted: false, reason: 'disagreement' })
    expect(verdictOf(outcome, 'semantic_entropy')?.score).toBeCloseTo(1.0397, 4)
    expect(router.models.small?.calls).toHaveLength(5)
  })

  it('serves a rejected answer marked degraded where no frontier is in reach', async () => {
    const router = sample({ task: { agreement: {} }, models: ROME, env: {} })
    const outcome = await router.router.complete(ask('Capital?'))
    expect(outcome).toMatchObject({ answer: 'Paris.', decision: { route: 'local', degraded: true } })
    expect(verdictOf(outcome, 'agreement')).toMatchObject({ accepted: false })
  })
})

describe('the calls for a second opinion', () => {
  it('are journaled before they are made, and count in cost and attempts', async () => {
    const router = sample({
      task: { judge: { by: 'big', votes: 2 } },
      models: { small: { answers: [said('Paris.')] }, big: { answers: ['yes', 'No.'] } },
    })
    const outcome = await router.router.complete(ask('Capital?'))
    expect(outcome.decision).toMatchObject({ route: 'local', model: 'small' })
    expect(purposes(outcome)).toEqual(['small answer', 'big judge', 'big judge'])
    expect(router.journal.map((entry) => entry.type)).toEqual([
      'intent',
      'call',
      'call',
      'egress',
      'call',
      'egress',
      'settle',
    ])
    const costs = outcome.attempts.map(({ costUsd }) => costUsd ?? Number.NaN)
    expect(costs[1]).toBeGreaterThan(0)
    expect(outcome.costUsd).toBeCloseTo((costs[1] ?? 0) + (costs[2] ?? 0), 12)
    expect(router.record('req-1')?.costUsd).toBe(outcome.costUsd)
  })

  it('share the total deadline of the tier that answered', async () => {
    let now = (): void => undefined
    let turn = 0
    const slow = (): ScriptedAnswer => {
      turn += 1
      if (turn > 1) now()
      return turn === 1 ? said('Paris.') : 'Paris'
    }
    const router = sample({
      task: { agreement: { samples: 5, minShare: 1 } },
      policy: { deadlines: { local_fast: { total: '10s' } } },
      models: { small: { answers: slow } },
    })
    now = () => void router.clock.advance(6000)
    const outcome = await router.router.complete(ask('Capital?'))
    expect(turn).toBe(3)
    expect(router.models.small?.limits.map(({ deadlines }) => deadlines.totalMs)).toEqual([10_000, 10_000, 4000])
    expect(outcome.decision.reason).toBe('signal_unavailable')
    expect(outcome.latencyMs).toBe(12_000)
  })

  it('are no trouble of the one who answers when they fail', async () => {
    const models = {
      small: { answers: [said('Paris.')] },
      peer: { answers: [{ fail: 'model_timeout' }] },
      big: { answers: () => ({ fail: 'model_failed' }) as const },
    } as const
    const router = sample({ task: { agreement: { with: 'peer' }, onUnavailable: 'error' }, models })
    await expect(router.router.complete(ask('Capital?'))).rejects.toMatchObject({ code: 'model_failed' })
  })

  it('end with the request when the caller goes away', async () => {
    const router = sample({
      task: { agreement: {} },
      models: { small: { answers: [said('Paris.'), { hang: true }] } },
    })
    const gone = new AbortController()
    const waiting = router.router.complete(ask('Capital?'), { signal: gone.signal })
    setImmediate(() => gone.abort())
    await expect(waiting).rejects.toMatchObject({ code: 'cancelled' })
    expect(router.record('req-1')).toMatchObject({
      reason: 'cancelled',
      attempts: [{ outcome: 'answered' }, { outcome: 'cancelled', purpose: 'agreement' }],
    })
  })

  it('are recorded beside a shadow answer, and no frontier is among them', async () => {
    const models = { small: { answers: [said('Paris.'), 'Paris', 'Rome'] } }
    const task = { stage: 'shadow', agreement: { samples: 2, minShare: 1 }, judge: { by: 'big' } }
    const router = sample({ task, models })
    await router.router.complete(ask('Capital?'))
    await router.router.close()
    const shadow = router.journal.flatMap((entry) => (entry.type === 'shadow' ? [entry.shadow] : []))
    expect(shadow[0]).toMatchObject({
      wouldAccept: false,
      attempt: { purpose: 'shadow' },
      opinions: [{ purpose: 'agreement' }, { purpose: 'agreement' }],
    })
    expect(router.models.small?.limits.map(({ priority }) => priority)).toEqual(Array(3).fill('background'))

    const judged = sample({ task: { stage: 'shadow', judge: { by: 'big' } }, models })
    await judged.router.complete(ask('Capital?'))
    await judged.router.close()
    expect(judged.models.big?.calls).toHaveLength(1)
    expect(judged.journal.find((entry) => entry.type === 'shadow')).toMatchObject({ shadow: { wouldAccept: false } })
  })
})
