import { describe, expect, it } from 'vitest'
import type { Found } from '../../src/cli/found.ts'
import { planFrom } from '../../src/cli/found-plan.ts'

const GB = 1e9
const model = (id: string, sizeBytes: number | null = null, runsAt: string | null = null) => ({
  id,
  runsAt,
  contextTokens: null,
  sizeBytes,
})
const ollama = (...models: readonly ReturnType<typeof model>[]): Found['servers'][number] => ({
  kind: 'ollama',
  baseUrl: 'http://127.0.0.1:11434',
  version: '0.34.1',
  models,
})
const found = (part: Partial<Found> = {}): Found => ({
  servers: [],
  engine: { installed: false, models: [] },
  keys: [],
  refused: [],
  memory: { totalBytes: 16 * GB, availableBytes: 9 * GB },
  notes: [],
  ...part,
})
const key = (provider: string, baseUrl: string | null = null) => ({ provider, variable: `${provider}_KEY`, baseUrl })
const localNames = (part: Partial<Found>, env = {}) => planFrom(found(part), env).locals.map(({ keys }) => keys.model)

describe('the plan of what was found', () => {
  it('changes nothing of the template where neither server nor key is there', () => {
    expect(planFrom(found(), {})).toEqual({ locals: [], frontiers: 'as_shipped', why: {} })
  })

  it('takes the model nearest to 4B as the fast one, and a far larger one that fits beside it', () => {
    const models = [model('qwen3:0.6b'), model('qwen3:4b'), model('gpt-oss:9b'), model('qwen3:70b')]
    const { locals } = planFrom(found({ servers: [ollama(...models)] }), {})
    expect(locals.map(({ name, keys }) => [name, keys.model, keys.tier])).toEqual([
      ['small', 'qwen3:4b', 'local_fast'],
      ['large', 'gpt-oss:9b', 'local_quality'],
    ])
  })

  it('leaves out what answers no questions, runs elsewhere, or does not fit', () => {
    const none = [
      model('nomic-embed-text:latest', 0.3 * GB),
      model('mine', 1 * GB, 'https://ollama.com'),
      model('gpt-oss:120b-cloud'),
      model('huge:latest', 60 * GB),
    ]
    expect(localNames({ servers: [ollama(...none)] })).toEqual([])
    expect(localNames({ servers: [ollama(...none, model('phi:latest', 2.5 * GB))] })).toEqual(['phi:latest'])
  })

  it('does not give a local tier to a server that does not say what it is', () => {
    const proxy = { ...ollama(model('gpt-9')), kind: 'openai' as const }
    expect(localNames({ servers: [proxy] })).toEqual([])
  })

  it('writes the address of Ollama down only where OLLAMA_HOST does not say it', () => {
    const servers = [{ ...ollama(model('qwen3:4b')), baseUrl: 'http://127.0.0.1:9999' }]
    expect(planFrom(found({ servers }), { OLLAMA_HOST: '127.0.0.1:9999' }).locals[0]?.keys).not.toHaveProperty(
      'baseUrl',
    )
    expect(planFrom(found({ servers }), {}).locals[0]?.keys).toMatchObject({ baseUrl: 'http://127.0.0.1:9999' })
  })

  it('uses a model file that somebody added where no server runs', () => {
    const engine = { installed: true, models: [{ name: 'qwen3-1.7b', sizeBytes: 1.1 * GB }] }
    expect(localNames({ engine })).toEqual(['qwen3-1.7b'])
    expect(localNames({ engine, servers: [ollama(model('qwen3:4b'))] })).toEqual(['qwen3:4b'])
  })

  it('keeps the two shipped frontiers where their keys are all there is', () => {
    expect(planFrom(found({ keys: [key('openai')] }), {}).frontiers).toBe('as_shipped')
    expect(planFrom(found({ keys: [key('deepseek')] }), {}).frontiers).toBe('as_shipped')
  })

  it('names no frontier whose key came with an address that is not its own', () => {
    expect(planFrom(found({ refused: ['openai'] }), {}).frontiers).toEqual([])
    const { frontiers } = planFrom(found({ refused: ['openai'], keys: [key('anthropic')] }), {})
    expect(frontiers).toMatchObject([{ name: 'haiku' }])
  })

  it('names a cheap model of every other provider that it knows, and says why', () => {
    const plan = planFrom(found({ keys: [key('mistral'), key('openai', 'http://10.0.0.9:4000/v1')] }), {})
    expect(plan.frontiers).toEqual([
      expect.objectContaining({ name: 'luna', keys: expect.objectContaining({ baseUrl: 'http://10.0.0.9:4000/v1' }) }),
      expect.objectContaining({ name: 'mistral', keys: expect.objectContaining({ preset: 'mistral' }) }),
    ])
    expect(plan.why).toEqual({ luna: 'openai_KEY is set', mistral: 'mistral_KEY is set' })
  })
})
