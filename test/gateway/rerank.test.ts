import { afterEach, describe, expect, it } from 'vitest'
import { closeGateways, testGateway } from '../support/gateway.ts'
import { type SampleScript, sampleRouter } from '../support/sample-router.ts'

afterEach(closeGateways)

const DOCUMENTS = ['The harbour freezes in winter.', 'The dam was built in 1921.', 'Tickets cost three krona.']
const QUERY = 'When was the dam built?'
const LOCAL = { provider: 'embedded', model: 'smollm2-135m-instruct', tier: 'local_fast' } as const
const CLOUD = { provider: 'openai', model: 'x', tier: 'frontier', baseUrl: 'http://127.0.0.1:1' } as const

async function send(script: SampleScript, body: unknown, headers: Record<string, string> = {}) {
  const gateway = await testGateway(sampleRouter(script).router)
  const response = await fetch(`${gateway.url}/v1/rerank`, {
    method: 'POST',
    headers: { authorization: `Bearer ${gateway.key}`, 'content-type': 'application/json', ...headers },
    body: JSON.stringify(body),
  })
  return { response, body: (await response.json()) as Record<string, unknown> }
}

const local = (task: Record<string, unknown> = {}): SampleScript => ({
  policy: {
    models: { small: LOCAL },
    tasks: { order: { kind: 'rank', local: 'small', minConfidence: 0.1, accept: { uncalibrated: true }, ...task } },
  },
  models: {
    small: {
      decisions: ({ input }) => ({
        probabilities: input.includes('1921') ? { yes: 0.9, no: 0.1 } : { yes: 0.2, no: 0.8 },
      }),
    },
  },
})

describe('POST /v1/rerank', () => {
  it('orders the documents, best first, with a score each', async () => {
    const { response, body } = await send(local(), { model: 'order', query: QUERY, documents: DOCUMENTS })
    expect(response.status).toBe(200)
    expect(response.headers.get('x-spillway-task')).toBe('order')
    expect(body).toMatchObject({ model: 'small', spillway: { route: 'local', reason: 'local_accepted' } })
    const results = body.results as { index: number; relevance_score: number }[]
    expect(results.map(({ index }) => index)).toEqual([1, 0, 2])
    expect(results[0]?.relevance_score).toBeGreaterThan(results[1]?.relevance_score ?? 1)
    expect(results[0]).not.toHaveProperty('document')
  })

  it('is answered once with an idempotency key', async () => {
    const sample = sampleRouter(local())
    const gateway = await testGateway(sample.router)
    const again = async (documents: readonly string[]) => {
      const response = await fetch(`${gateway.url}/v1/rerank`, {
        method: 'POST',
        headers: {
          authorization: `Bearer ${gateway.key}`,
          'content-type': 'application/json',
          'idempotency-key': 'one',
        },
        body: JSON.stringify({ model: 'order', query: QUERY, documents }),
      })
      return { status: response.status, text: await response.text() }
    }
    const first = await again(DOCUMENTS)
    expect(first.status).toBe(200)
    expect(await again(DOCUMENTS)).toEqual(first)
    expect((await again(DOCUMENTS.slice(1))).status).toBe(422)
    expect(sample.journal.filter(({ type }) => type === 'intent')).toHaveLength(1)
  })

  it('gives the first few, with their texts, when asked', async () => {
    const asked = { query: QUERY, documents: DOCUMENTS.map((text) => ({ text })), top_n: 1, return_documents: true }
    const { body } = await send(local(), asked, { 'x-spillway-task': 'order' })
    expect(body.results).toEqual([{ index: 1, relevance_score: expect.any(Number), document: { text: DOCUMENTS[1] } }])
  })

  it('takes the order of a frontier, without scores', async () => {
    const order = [DOCUMENTS[2], DOCUMENTS[0], DOCUMENTS[1]]
    const script: SampleScript = {
      policy: { models: { cloud: CLOUD }, tasks: { order: { kind: 'rank', local: false, frontier: 'cloud' } } },
      models: { cloud: { answers: [`Here: ${JSON.stringify(order)}`] } },
    }
    const { body } = await send(script, { model: 'order', query: QUERY, documents: DOCUMENTS })
    expect(body.results).toEqual([2, 0, 1].map((index) => ({ index, relevance_score: null })))
  })

  it('is a failure of the frontier when its answer is no list of the documents', async () => {
    const script: SampleScript = {
      policy: { models: { cloud: CLOUD }, tasks: { order: { kind: 'rank', local: false, frontier: 'cloud' } } },
      models: { cloud: { answers: ['The second one.'] } },
    }
    const { response, body } = await send(script, { model: 'order', query: QUERY, documents: DOCUMENTS })
    expect(response.status).toBe(502)
    expect(body).toMatchObject({ error: { code: 'model_malformed' } })
  })

  it.each([
    ['no documents', { query: 'x', documents: [] }, 'documents'],
    ['no query', { documents: ['x'] }, 'query'],
    ['no list', [], 'the body'],
  ])('refuses %s', async (_, sent, param) => {
    const { response, body } = await send(local(), sent)
    expect(response.status).toBe(400)
    expect(JSON.stringify(body)).toContain(param)
  })

  it('escalates a ranking on which words and model disagree', async () => {
    const script: SampleScript = {
      policy: {
        models: { small: LOCAL, cloud: CLOUD },
        tasks: {
          order: { kind: 'rank', local: 'small', frontier: 'cloud', stage: 'accept', accept: { uncalibrated: true } },
        },
      },
      models: {
        small: {
          decisions: ({ input }) => ({
            probabilities: input.includes('Tickets') ? { yes: 0.95, no: 0.05 } : { yes: 0.1, no: 0.9 },
          }),
        },
        cloud: { answers: [JSON.stringify([DOCUMENTS[1]])] },
      },
    }
    const { body } = await send(script, { model: 'order', query: QUERY, documents: DOCUMENTS })
    expect(body.spillway).toMatchObject({ route: 'frontier', reason: 'disagreement' })
    expect(body.results).toEqual([{ index: 1, relevance_score: null }])
  })
})
