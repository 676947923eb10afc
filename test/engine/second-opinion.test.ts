/** Every kind of second opinion with the real model and no frontier. */
import { mkdtempSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createRouter } from '../../src/compose.ts'
import { createEmbeddedModel } from '../../src/models/embedded/embedded.ts'
import { locateModel } from '../../src/models/fetch/locate.ts'
import { resolvePaths } from '../../src/models/paths.ts'
import type { Outcome } from '../../src/spec/response.ts'
import type { Router } from '../../src/spec/router.ts'
import { scriptedModel } from '../../src/testing.ts'
import { type EngineHome, engineHome } from '../support/engine-home.ts'
import { specAt } from './support.ts'

const SMALL = {
  provider: 'embedded',
  model: 'smollm2-135m-instruct',
  tier: 'local_fast',
  contextTokens: 1024,
  maxOutputTokens: 96,
} as const

/** Every answer lies in the grey zone, so that opinions are always asked for. */
const greyZone = { from: 0, to: 1 }
const task = {
  local: 'small',
  stage: 'accept',
  complexity: 'simple',
  accept: { uncalibrated: true },
  gates: { entropyNats: null },
} as const

let home: EngineHome
let router: Router
const opened: Router[] = []
beforeAll(() => {
  home = engineHome()
  const policy = {
    models: { small: SMALL, twin: SMALL },
    tasks: {
      sampled: { ...task, agreement: { greyZone, samples: 2, temperature: 0.2, minShare: 0.5 } },
      meant: {
        ...task,
        agreement: {
          greyZone,
          samples: 3,
          temperature: 1,
          equality: 'semantic' as const,
          minShare: 0,
          maxSemanticEntropyNats: 2,
        },
      },
      paired: {
        ...task,
        kind: 'choice' as const,
        labels: ['positive', 'negative'],
        minConfidence: 0,
        agreement: { greyZone, with: ['twin'] },
      },
      found: { ...task, kind: 'extract' as const, minConfidence: 0, agreement: { greyZone, samples: 1 } },
      judged: { ...task, judge: { greyZone, votes: 4, minProbability: 0 } },
      weighed: { ...task, quality: { minChars: 500 } },
    },
  }
  router = createRouter({ policy, paths: home.paths })
})
afterAll(async () => {
  for (const one of [router, ...opened]) await one.close()
  await home.close()
})

const question = { messages: [{ role: 'user' as const, content: 'Why?' }], metadata: { task: 'compared' } }

/** Fixed texts, so that the comparison is tested and not the writing; their embeddings are real. */
function rewording(answers: readonly string[]): Router {
  const scripted = scriptedModel({ name: 'small', answers })
  const real = resolvePaths(process.env, process.platform)
  const embedding = createEmbeddedModel({
    spec: specAt(locateModel({ name: SMALL.model, path: null, env: {}, paths: real }).path),
    paths: { ...home.paths, stateDir: join(home.folder, 'state') },
    env: process.env,
  })
  const small = { ...embedding, generate: scripted.generate }
  const compared = { ...task, agreement: { greyZone, samples: 1, equality: 'semantic' as const } }
  const policy = { models: { small: SMALL }, tasks: { compared } }
  const made = createRouter({
    policy,
    paths: { ...home.paths, stateDir: mkdtempSync(join(home.folder, 'state-')) },
    models: { small },
  })
  opened.push(made)
  return made
}

const ask = (name: string, text: string): Promise<Outcome> =>
  router.complete({ messages: [{ role: 'user', content: text }], metadata: { task: name }, temperature: 0 })

const verdictOf = (outcome: Outcome, gate: string) => outcome.verdicts.find((verdict) => verdict.gate === gate)

describe('a second opinion of the real model', () => {
  it('is a sample that may agree: the capital of France', async () => {
    const outcome = await ask('sampled', 'Answer with one word. What is the capital of France?')
    const asked = outcome.attempts.filter(({ purpose }) => purpose === 'agreement')
    expect(asked.length).toBeGreaterThan(0)
    expect(asked.every((attempt) => attempt.outcome === 'answered' && attempt.costUsd === 0)).toBe(true)
    const score = verdictOf(outcome, 'agreement')?.score ?? -1
    expect([0, 0.5, 1]).toContain(score)
  })

  it('is written where the answer was read, because another reading would say the same', async () => {
    const outcome = await ask('found', 'The dam was built in 1921 by Anna Lindqvist.\n\nWhen was the dam built?')
    expect(outcome.answer).toContain('1921')
    const [read, written] = outcome.attempts
    expect(read).toMatchObject({ purpose: 'answer', firstTokenMs: null })
    expect(written).toMatchObject({ purpose: 'agreement', firstTokenMs: expect.any(Number) })
  })

  it('gives a semantic entropy over samples, within its bounds', async () => {
    const outcome = await ask('meant', 'Answer in one short sentence. What is the capital of France?')
    expect(outcome.attempts.filter(({ purpose }) => purpose === 'agreement').length).toBeGreaterThanOrEqual(3)
    const { score } = verdictOf(outcome, 'semantic_entropy') ?? { score: null }
    expect(score).toBeGreaterThanOrEqual(0)
    expect(score).toBeLessThanOrEqual(Math.log(3) + 1e-9)
  })

  it('is compared by embeddings of the real model, where another order of words says the same', async () => {
    const said = ['The build failed because a module was missing.', 'Because a module was missing, the build failed.']
    const outcome = await rewording(said).complete(question)
    expect(outcome.attempts.map(({ purpose }) => purpose)).toEqual(['answer', 'agreement', 'agreement', 'agreement'])
    expect(outcome.attempts[2]?.usage).toMatchObject({ outputTokens: 0, source: 'reported' })
    expect(verdictOf(outcome, 'agreement')).toMatchObject({ accepted: true, score: 1 })
  })

  it('is not equal where it says something else of the same matter', async () => {
    const said = ['The build failed because a module was missing.', 'The build was slow because a module was large.']
    expect(verdictOf(await rewording(said).complete(question), 'agreement')).toMatchObject({ reason: 'disagreement' })
  })

  it('comes from a second model that is loaded for it, and agrees with its twin on a label', async () => {
    const outcome = await ask('paired', 'A wonderful film, I loved every minute of it.')
    expect(outcome.attempts.map(({ model, purpose }) => `${model} ${purpose}`)).toEqual([
      'small answer',
      'twin agreement',
    ])
    expect(verdictOf(outcome, 'agreement')).toMatchObject({ accepted: true, score: 1 })
    expect(outcome.decision.reason).toBe('local_accepted')
  })

  it('is a probability of yes over four votes', async () => {
    const outcome = await ask('judged', 'Answer with one word. What is the capital of France?')
    const votes = outcome.attempts.filter(({ purpose }) => purpose === 'judge')
    expect(votes.map((vote) => [vote.outcome, vote.usage?.source])).toEqual(Array(4).fill(['answered', 'reported']))
    const { score } = verdictOf(outcome, 'judge') ?? { score: null }
    expect(score).toBeGreaterThan(0)
    expect(score).toBeLessThan(1)
  })

  it('criticises an answer that is too short, and its word decides', async () => {
    const outcome = await ask('weighed', 'Answer with one word. What is the capital of France?')
    expect(outcome.attempts.map(({ purpose }) => purpose)).toEqual(['answer', 'judge'])
    const verdict = verdictOf(outcome, 'quality')
    expect([0.6, 0.8]).toContain(verdict?.score)
    expect(verdict?.accepted).toBe(verdict?.score === 0.8)
  })
})
