/** The doors of the OpenAI dialect in front of the real engine, asked by the real client. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createRouter } from '../../src/compose.ts'
import { resolvePaths } from '../../src/models/paths.ts'
import type { Router } from '../../src/spec/router.ts'
import { closeGateways, type TestGateway, testGateway } from '../support/gateway.ts'

let folder: string
let router: Router
let gateway: TestGateway

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'spillway-doors-'))
  const open = { complexity: 'simple', local: 'small', stage: 'accept', accept: { uncalibrated: true } } as const
  router = createRouter({
    policy: {
      models: { small: { provider: 'embedded', model: 'smollm2-135m-instruct', tier: 'local_fast' } },
      tasks: { chat: { ...open, gates: { entropyNats: null, refusal: false } } },
      defaults: { task: 'chat' },
    },
    env: process.env,
    paths: { ...resolvePaths(process.env, process.platform), stateDir: folder },
  })
  gateway = await testGateway(router)
})

afterAll(async () => {
  await closeGateways()
  await router.close()
  rmSync(folder, { recursive: true, force: true })
})

function cosine(left: readonly number[], right: readonly number[]): number {
  return left.reduce((sum, value, at) => sum + value * (right[at] ?? 0), 0)
}

describe('the embedded engine', () => {
  it('answers /v1/responses, whole and streamed', async () => {
    const asked = { model: 'chat', input: 'Say hello to my friend Anna.', max_output_tokens: 24 }
    const whole = await gateway.client.responses.create(asked)
    expect(whole).toMatchObject({ model: 'small', spillway: { route: 'local' } })
    expect(whole.output_text.length).toBeGreaterThan(0)
    const streamed = await gateway.client.responses.stream(asked).finalResponse()
    expect(streamed.output_text.length).toBeGreaterThan(0)
    expect(streamed.usage?.output_tokens).toBeGreaterThan(0)
  })

  it('gives vectors in which like texts are nearer than unlike ones, and says when a text was too long', async () => {
    const input = ['The cat sleeps on the sofa.', 'A cat is sleeping on the couch.', 'Interest rates rose in March.']
    const { data } = await gateway.client.embeddings.create({ model: 'small', input })
    const [cat, same, rates] = data.map(({ embedding }) => embedding)
    expect(cat).toHaveLength(576)
    expect(cosine(cat ?? [], cat ?? [])).toBeCloseTo(1, 4)
    expect(cosine(cat ?? [], same ?? [])).toBeGreaterThan(cosine(cat ?? [], rates ?? []))
    const long = await gateway.client.embeddings.create({ model: 'small', input: 'word '.repeat(2000) }).withResponse()
    expect(long.response.headers.get('x-spillway-warning')).toContain('of 1 texts only the beginning was read')
  })

  it('answers /v1/decisions with probabilities that sum to 1', async () => {
    const choices = [{ value: 'sport' }, { value: 'economy' }]
    const { answers } = await gateway.client.decisions.create({
      model: 'auto',
      input: 'The team won the final after extra time.',
      questions: [
        { type: 'choice', name: 'topic', instructions: 'What is the news about?', choices },
        { type: 'predicate', instructions: 'It is about a match.' },
      ],
    })
    const [topic, match] = answers
    if (topic?.type !== 'choice' || match?.type !== 'predicate') throw new Error('the answers are of other kinds')
    expect(topic.probabilities.reduce((sum, { probability }) => sum + probability, 0)).toBeCloseTo(1, 4)
    expect(match.probability).toBeGreaterThan(0)
    expect(match.probability).toBeLessThan(1)
  })

  it('goes on with a text as it stands, without answering it', async () => {
    const asked = { model: 'chat', prompt: 'One, two, three, four, five, six,', max_tokens: 6, temperature: 0 }
    const { choices, model, usage } = await gateway.client.completions.create(asked)
    expect(model).toBe('small')
    expect(choices[0]?.text).toContain('seven')
    expect(choices[0]?.finish_reason).toBe('length')
    expect(usage?.completion_tokens).toBe(6)
    let streamed = ''
    for await (const chunk of await gateway.client.completions.create({ ...asked, stream: true }))
      streamed += chunk.choices[0]?.text ?? ''
    expect(streamed).toBe(choices[0]?.text)
  })
})
