/** A judge of local answers, and the weighted check of quality. */
import { describe, expect, it } from 'vitest'
import { ask, purposes, ROME, said, sample, verdictOf } from './second-opinion-script.ts'

describe('the judge', () => {
  const judging = (...yes: readonly number[]) => ({
    answers: [said('Paris.')],
    decisions: yes.map((probability) => ({
      probabilities: { yes: probability, no: 1 - probability, correct: probability, wrong: 1 - probability },
    })),
  })

  it('is by default the model that answered, and its probability of yes is read, not written', async () => {
    const router = sample({ task: { judge: { votes: 1 } }, models: { small: judging(0.8) } })
    const outcome = await router.router.complete(ask('Capital of France?'))
    expect(outcome.decision.reason).toBe('local_accepted')
    expect(purposes(outcome)).toEqual(['small answer', 'small judge'])
    expect(verdictOf(outcome, 'judge')?.score).toBeCloseTo(0.8, 9)
    expect(router.models.small?.calls).toHaveLength(1)
    expect(router.models.small?.decideCalls[0]).toMatchObject({
      input: 'Question: Capital of France?\nProposed answer: Paris.',
      options: ['yes', 'no'],
    })
  })

  it('averages over wordings, one of which asks for the mistake', async () => {
    const router = sample({ task: { judge: { votes: 2 } }, models: { small: judging(0.9, 0.9) } })
    const outcome = await router.router.complete(ask('Capital?'))
    expect(verdictOf(outcome, 'judge')?.score).toBeCloseTo(0.5, 9)
    expect(outcome.decision.reason).toBe('judge_rejected')
    const loose = sample({ task: { judge: { votes: 2, minProbability: 0.4 } }, models: { small: judging(0.9, 0.9) } })
    expect((await loose.router.complete(ask('Capital?'))).decision.reason).toBe('local_accepted')
  })

  it('turns the order of the options after the last wording, and puts no question twice in the same way', async () => {
    const task = { judge: { votes: 8, prompt: ['Is it right?', 'Would you sign it?'] } }
    const router = sample({ task, models: { small: judging(0.9, 0.9, 0.9, 0.9, 0.9, 0.9, 0.9, 0.9) } })
    await router.router.complete(ask('Capital?'))
    expect(router.models.small?.decideCalls.map(({ instruction }) => instruction)).toEqual([
      'Is it right? Answer yes or no.',
      'Would you sign it? Answer yes or no.',
      'Is it right? Answer no or yes.',
      'Would you sign it? Answer no or yes.',
    ])
  })

  it('is shown the worked cases of the policy, and the task', async () => {
    const shots = [{ question: 'Capital of Italy?', answer: 'Turin', correct: false }]
    const task = { prompt: { system: 'Answer with a city.' }, judge: { votes: 1, shots } }
    const router = sample({ task, models: { small: judging(0.9) } })
    await router.router.complete(ask('Capital?'))
    expect(router.models.small?.decideCalls[0]).toMatchObject({
      shots: [{ input: 'Question: Capital of Italy?\nProposed answer: Turin', output: 'no' }],
      input: 'Task: Answer with a city.\nQuestion: Capital?\nProposed answer: Paris.',
    })
  })

  it('is asked only in its grey zone', async () => {
    const task = { judge: { greyZone: { from: 0, to: 0.5 } } }
    const router = sample({ task, models: { small: judging() } })
    const outcome = await router.router.complete(ask('Capital?'))
    expect(outcome.decision.reason).toBe('local_accepted')
    expect(purposes(outcome)).toEqual(['small answer'])
  })

  it('accepts nothing when it fails', async () => {
    const router = sample({ task: { judge: {} }, models: { small: judging() } })
    const outcome = await router.router.complete(ask('Capital?'))
    expect(outcome.decision).toMatchObject({ route: 'frontier', reason: 'signal_unavailable' })
  })

  it('on a frontier gets nothing but masked text, and its written yes or no counts', async () => {
    const key = ['AKIA', 'IOSFODNN7', 'QWERTYU'].join('')
    for (const [votes, reason] of [
      [['Yes, it is.', 'no'], 'local_accepted'],
      [['No.', 'No.', 'From the frontier.'], 'judge_rejected'],
      [['No.', 'Yes.', 'From the frontier.'], 'judge_rejected'],
      [['Hard to say.', 'Perhaps.', 'From the frontier.'], 'signal_unavailable'],
    ] as const) {
      const models = { small: { answers: [said(`It is ${key}.`)] }, big: { answers: votes } }
      const router = sample({ task: { judge: { by: 'big' } }, models, policy: { hardStops: { security: [] } } })
      const outcome = await router.router.complete(ask(`Repeat ${key} please`))
      expect(outcome.decision.reason).toBe(reason)
      expect(JSON.stringify(router.models.big?.calls)).not.toContain(key)
    }
  })

  it('on a frontier is never asked about what may not leave', async () => {
    const task = { judge: { by: 'big' } }
    const router = sample({ task, models: { small: { answers: [said('Paris.')] } } })
    const request = ask('Capital?', { metadata: { task: 'chat', partition: 'local_only' } })
    const outcome = await router.router.complete(request)
    expect(purposes(outcome)).toEqual(['small answer'])
    expect(verdictOf(outcome, 'judge')).toMatchObject({ accepted: false, reason: 'signal_unavailable' })
    expect(outcome.decision.route).not.toBe('frontier')
  })

  it('is not asked where the others disagree', async () => {
    const small = { ...ROME.small, decisions: [{ probabilities: { yes: 1 } }] }
    const router = sample({ task: { agreement: {}, judge: {} }, models: { small } })
    expect((await router.router.complete(ask('Capital?'))).decision.reason).toBe('disagreement')
    expect(router.models.small?.decideCalls).toHaveLength(0)
  })
})

describe('the quality check', () => {
  const small = (yes: number) => ({ answers: [said('Short.')], decisions: [{ probabilities: { yes, no: 1 - yes } }] })

  it('asks a model whether the answer is valid only where its no would reject', async () => {
    const fine = sample({ task: { quality: {} }, models: { small: small(0.1) } })
    const accepted = await fine.router.complete(ask('Say it.'))
    expect(verdictOf(accepted, 'quality')).toMatchObject({ accepted: true, score: 1 })
    expect(purposes(accepted)).toEqual(['small answer'])

    for (const [yes, reason] of [
      [0.9, 'local_accepted'],
      [0.1, 'judge_rejected'],
    ] as const) {
      const doubtful = sample({ task: { quality: { minChars: 50 } }, models: { small: small(yes) } })
      const outcome = await doubtful.router.complete(ask('Say it.'))
      expect(outcome.decision.reason).toBe(reason)
      expect(purposes(outcome).slice(0, 2)).toEqual(['small answer', 'small judge'])
    }
  })

  it('asks the model that the policy names', async () => {
    const models = { small: small(0.9), peer: { decisions: [{ probabilities: { yes: 0.2, no: 0.8 } }] } }
    const router = sample({ task: { quality: { minChars: 50, by: 'peer' } }, models })
    const outcome = await router.router.complete(ask('Say it.'))
    expect(outcome.decision.reason).toBe('judge_rejected')
    expect(purposes(outcome)[1]).toBe('peer judge')
  })
})

describe('a policy', () => {
  it.each([
    [{ agreement: { with: 'pear' } }, /there is no model pear/],
    [{ agreement: { with: 'big' } }, /big is a frontier model/],
    [{ agreement: { minShare: 0 } }, /a share of 0 accepts whatever the others say/],
    [{ kind: 'boolean', agreement: {} }, /a second reading says the same/],
    [{ judge: { by: 'nobody' } }, /there is no model nobody/],
    [{ judge: { by: 'big' }, frontier: false }, /big is not a frontier of this task/],
    [{ quality: { by: 'big' } }, /big is a frontier model/],
    [{ agreement: { greyZone: { from: 0.9, to: 0.5 } } }, /from 0.9 is above to 0.5/],
    [{ judge: { greyZone: { from: 0.9, to: 0.5 } } }, /from 0.9 is above to 0.5/],
  ])('with %j is refused', (task, problem) => {
    expect(() => sample({ task })).toThrow(problem)
  })
})
