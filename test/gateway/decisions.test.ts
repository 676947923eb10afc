/** `POST /v1/decisions` by the real client: probabilities where they were read, and null where they were not. */
import type OpenAI from 'openai'
import { afterEach, describe, expect, it } from 'vitest'
import type { PolicyInput } from '../../src/spec/policy.ts'
import { closeGateways, testGateway } from '../support/gateway.ts'
import { type SampleScript, sampleRouter } from '../support/sample-router.ts'
import { failureOf, MODELS } from './chat-script.ts'

afterEach(closeGateways)

type Questions = OpenAI.Decisions.DecisionCreateParams['questions']

const TASKS: PolicyInput['tasks'] = {
  judge: { local: 'small', frontier: 'big', stage: 'accept', accept: { uncalibrated: true }, minConfidence: 0.6 },
}

const PREDICATE: Questions[number] = { type: 'predicate', name: 'angry', instructions: 'The customer is angry.' }
const CHOICE: Extract<Questions[number], { type: 'choice' }> = {
  type: 'choice',
  name: 'topic',
  instructions: 'What is it about?',
  choices: [{ value: 'billing' }, { value: 'login', description: 'Passwords and access.' }],
} as const
const SCORE: Questions[number] = {
  type: 'score',
  name: 'urgency',
  instructions: 'How urgent is it?',
  levels: [{ label: 'low' }, { label: 'middle' }, { label: 'high', description: 'Today.' }],
} as const

/** How sure the local model is of the first option; the rest is shared. */
function sure(first: number): SampleScript['models'][string] {
  return {
    decisions: ({ options }) => ({
      probabilities: Object.fromEntries(
        options.map((option, index) => [option, index === 0 ? first : (1 - first) / (options.length - 1)]),
      ),
    }),
  }
}

async function open(models: SampleScript['models'], change: Parameters<typeof testGateway>[1] = {}) {
  const sample = sampleRouter({ policy: { models: MODELS, tasks: TASKS }, env: { KEY: 'k' }, models })
  const gateway = await testGateway(sample.router, change)
  const ask = (questions: Questions, body: Partial<OpenAI.Decisions.DecisionCreateParams> = {}) =>
    gateway.client.decisions.create({ model: 'judge', input: 'I was charged twice.', questions, ...body })
  return { ...sample, gateway, ask }
}

describe('answers read from a local model', () => {
  it('carry a probability for each option, in the order of the questions', async () => {
    const { ask, models } = await open({ small: sure(0.8), big: {} })
    const { answers, usage, model } = await ask([PREDICATE, CHOICE, SCORE])
    expect(model).toBe('small')
    expect(answers).toMatchObject([
      { type: 'predicate', name: 'angry', value: true, probability: 0.8 },
      {
        type: 'choice',
        name: 'topic',
        choice: 'billing',
        confidence: 0.8,
        probabilities: [
          { value: 'billing', probability: 0.8 },
          { value: 'login', probability: expect.closeTo(0.2, 6) },
        ],
      },
      {
        type: 'score',
        name: 'urgency',
        score: expect.closeTo(0.3, 6),
        label: 'low',
        confidence: 0.8,
        probabilities: [
          { label: 'low', value: 0, probability: 0.8 },
          { label: 'middle', value: 1, probability: expect.closeTo(0.1, 6) },
          { label: 'high', value: 2, probability: expect.closeTo(0.1, 6) },
        ],
      },
    ])
    expect(answers).toMatchObject([1, 2, 3].map(() => ({ spillway: { route: 'local', task: 'judge' } })))
    const calls = models.small?.decideCalls ?? []
    expect(calls.map(({ input }) => input)).toEqual(Array(3).fill('I was charged twice.'))
    expect(calls[1]?.instruction).toContain('login: Passwords and access.')
    const one = await ask([PREDICATE])
    const three = await ask([PREDICATE, PREDICATE, PREDICATE])
    expect(usage.total_tokens).toBeGreaterThan(one.usage.total_tokens)
    expect(three.usage.total_tokens).toBe(3 * one.usage.total_tokens)
  })

  it('know the yes of a boolean choice from its text', async () => {
    const { ask } = await open({ small: sure(0.9), big: {} })
    const choices = [{ value: true }, { value: false }]
    const { answers } = await ask([{ type: 'choice', instructions: 'Is it so?', choices }])
    expect(answers[0]).toMatchObject({
      choice: true,
      name: null,
      probabilities: [{ value: true, probability: 0.9 }, { value: false }],
    })
  })

  it('are read from conversations, tool calls and JSON as one text, under the instructions in them', async () => {
    const { ask, models } = await open({ small: sure(0.9), big: {} })
    await ask([PREDICATE], {
      input: [
        { role: 'system', content: 'Be fair.' },
        {
          role: 'user',
          content: [
            { type: 'input_text', text: 'Look:' },
            { type: 'input_json', data: { paid: 2 } },
          ],
        },
        { type: 'function_call', call_id: 'c', name: 'bill', arguments: '{"id":7}' },
        { type: 'function_call_output', call_id: 'c', output: 'paid twice' },
      ],
    })
    expect(models.small?.decideCalls[0]).toMatchObject({
      input: 'user: Look:\n{"paid":2}\nassistant: bill({"id":7})\ntool: paid twice',
      instruction: 'Is this true of the text? Be fair.\nThe customer is angry.',
    })
  })
})

describe('answers of a frontier', () => {
  it('come after a rejected local one, without probabilities', async () => {
    const { ask } = await open({ small: sure(0.55), big: { answers: ['yes', 'login', 'high'] } })
    const { data, response } = await (
      await open({ small: sure(0.55), big: { answers: ['no'] } })
    ).gateway.client.decisions
      .create({ model: 'judge', input: 'x', questions: [PREDICATE] })
      .withResponse()
    expect(data.answers[0]).toMatchObject({ type: 'predicate', value: false, probability: null })
    expect(response.headers.get('x-spillway-reason')).toBe('confidence_low')
    expect((await ask([PREDICATE])).answers[0]).toMatchObject({ value: true, probability: null })
    expect((await ask([CHOICE])).answers[0]).toMatchObject({ choice: 'login', confidence: null, probabilities: null })
    expect((await ask([SCORE])).answers[0]).toMatchObject({ score: 2, label: 'high', probabilities: null })
  })

  it('are a refusal when they are none of the options; the others stand', async () => {
    const { ask } = await open({ small: {}, big: { answers: ['I would rather not.'] } })
    expect((await ask([CHOICE])).answers).toMatchObject([{ type: 'refusal', name: 'topic' }])
  })
})

describe('what is refused', () => {
  it.each([
    ['no question', { questions: [] }, 'questions'],
    ['one choice', { questions: [{ ...CHOICE, choices: [{ value: 'a' }] }] }, 'questions.0.choices'],
    [
      'two choices that read the same',
      { questions: [{ ...CHOICE, choices: [{ value: 'true' }, { value: true }] }] },
      'questions.0.choices',
    ],
    ['an unknown kind', { questions: [{ type: 'essay', instructions: 'x' }] }, 'questions.0.type'],
    ['no input', { input: '', questions: [PREDICATE] }, 'input'],
    ['only instructions', { input: [{ role: 'system', content: 'x' }], questions: [PREDICATE] }, 'input'],
    [
      'an image',
      {
        input: [{ role: 'user', content: [{ type: 'input_image', image_url: 'https://a.example/x' }] }],
        questions: [PREDICATE],
      },
      'input.0.content.0.type',
    ],
  ])('%s, by its place', async (_, body, param) => {
    const { gateway, models } = await open({ small: sure(0.9), big: {} })
    const response = await fetch(`${gateway.url}/v1/decisions`, {
      method: 'POST',
      headers: { authorization: `Bearer ${gateway.key}` },
      body: JSON.stringify({ model: 'judge', input: 'x', ...body }),
    })
    expect(response.status).toBe(400)
    expect(await response.json()).toMatchObject({ error: { param } })
    expect(models.small?.decideCalls).toHaveLength(0)
  })

  it('is held where a rule leaves nobody, and one of several says so in its place', async () => {
    const { gateway } = await open({ small: sure(0.9), big: {} })
    const body = { model: 'judge', input: 'Rotate the production secret.' }
    const options = { headers: { 'x-spillway-partition': 'local_only' } }
    const failure = await failureOf(gateway.client.decisions.create({ ...body, questions: [PREDICATE] }, options))
    expect(failure.status).toBe(409)
    const { answers } = await gateway.client.decisions.create({ ...body, questions: [PREDICATE, SCORE] }, options)
    expect(answers).toMatchObject([
      { type: 'refusal', name: 'angry', spillway: { route: 'held' } },
      { type: 'refusal', name: 'urgency', spillway: { route: 'held' } },
    ])
  })
})
