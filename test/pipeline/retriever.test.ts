/** Which passages a buddy asks about, by words and by vectors of the local model. */
import { describe, expect, it } from 'vitest'
import type { PolicyInput } from '../../src/spec/policy.ts'
import type { ModelScript } from '../../src/testing.ts'
import { SMALL_AND_BIG } from '../support/chat-task.ts'
import { sampleRouter } from '../support/sample-router.ts'

const DOCUMENT =
  'Basalt forms when lava cools.\n\nThe harbour was dredged in 1921.\n\nOwls hunt by night in the woods.\n\nTin melts early.'
const request = {
  messages: [{ role: 'user' as const, content: `${DOCUMENT}\n\nWhen was the harbour dredged?` }],
  metadata: { task: 'about' },
}

async function asked(retriever: 'lexical' | 'embedding' | 'hybrid', vectors?: ModelScript['vectors']) {
  const policy: PolicyInput = {
    models: SMALL_AND_BIG,
    tasks: {
      about: {
        kind: 'answer',
        local: 'small',
        frontier: 'big',
        stage: 'accept',
        accept: { uncalibrated: true, auditRate: 0 },
        pattern: { buddy: { retriever, windows: 1, rounds: 1, unresolved: 'keep' } },
      },
    },
  }
  const small = { answers: () => '1920', ...(vectors && { vectors }) }
  const sample = sampleRouter({
    policy,
    env: { KEY: 'k' },
    models: { small, big: { answers: () => '{"value":null}' } },
  })
  const { attempts } = await sample.router.complete(request)
  const passage = JSON.stringify(sample.models.big?.calls).split('Passage:')[1] ?? ''
  return { passage, retrievals: attempts.filter(({ purpose }) => purpose === 'retrieval') }
}

/** Near to the question lies what is about owls. */
const owlish = (text: string): readonly number[] => (/Owls|When/.test(text) ? [1, 0] : [0, 1])

describe('the passage of a question', () => {
  it('is found by words, and no model is asked for it', async () => {
    const { passage, retrievals } = await asked('lexical', owlish)
    expect(passage).toContain('harbour was dredged')
    expect(retrievals).toEqual([])
  })

  it('is found by vectors of the local model, in one call that stands on record and costs nothing', async () => {
    const { passage, retrievals } = await asked('embedding', owlish)
    expect(passage).toContain('Owls hunt')
    expect(retrievals).toMatchObject([{ model: 'small', actor: 'local', outcome: 'answered', costUsd: 0 }])
  })

  it('is found by both, each with half a say', async () => {
    const { passage } = await asked('hybrid', (text) => (/Tin|When/.test(text) ? [1, 0.2] : [0.4, 1]))
    expect(passage).toContain('harbour was dredged')
  })

  it('is found by words where the local model gives no vectors, or fails to', async () => {
    const without = await asked('embedding')
    expect(without.passage).toContain('harbour was dredged')
    expect(without.retrievals).toEqual([])
    const failing = await asked('embedding', () => ({
      fail: 'engine_crashed',
      values: { model: 'small', problem: 'gone' },
    }))
    expect(failing.passage).toContain('harbour was dredged')
    expect(failing.retrievals.at(-1)).toMatchObject({ outcome: 'failed', error: 'engine_crashed' })
  })
})
