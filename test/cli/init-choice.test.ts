import { describe, expect, it } from 'vitest'
import type { Found } from '../../src/cli/found.ts'
import { planFrom } from '../../src/cli/found-plan.ts'
import { choiceOf, type Named, type Wishes } from '../../src/cli/init-choice.ts'

const server: Found['servers'][number] = {
  kind: 'vllm',
  baseUrl: 'http://127.0.0.1:8000/v1',
  version: null,
  models: [{ id: 'Qwen/Qwen3-4B', runsAt: null, contextTokens: 16384, sizeBytes: null }],
}
const found: Found = {
  servers: [server],
  engine: { installed: true, models: [{ name: 'mine', sizeBytes: 1e9 }] },
  keys: [],
  refused: [],
  memory: { totalBytes: 16e9, availableBytes: 9e9 },
  notes: [],
}
const choice = (wishes: Partial<Wishes>, named: Partial<Named> = {}) =>
  choiceOf(
    { local: 'auto', localModel: null, frontier: 'auto', frontierModel: null, ...wishes },
    { found, plan: planFrom(found, {}), local: null, frontierModels: null, ...named },
  )

describe('what init writes', () => {
  it('is the plan of what was found, when nothing else is wished', () => {
    expect(choice({})).toMatchObject({ locals: [{ keys: { model: 'Qwen/Qwen3-4B' } }], frontiers: 'as_shipped' })
  })

  it.each([
    ['a model of a server here', { localModel: 'Qwen/Qwen3-4B' }, { provider: 'openai', contextTokens: 16384 }],
    ['a file that was added', { localModel: 'mine' }, { provider: 'embedded', model: 'mine' }],
  ] as const)('takes %s by its name', (_, wishes, keys) => {
    expect(choice(wishes).locals).toMatchObject([{ name: 'small', keys }])
  })

  it('keeps the model of the template for the embedded engine, and for nobody', () => {
    expect([choice({ local: 'embedded' }).locals, choice({ local: 'none' }).locals]).toEqual([[], []])
  })

  it('takes the first model of a server by address', () => {
    expect(choice({ local: server.baseUrl }, { local: server }).locals).toMatchObject([
      { keys: { baseUrl: server.baseUrl } },
    ])
  })

  it('names no frontier, those that were named, or a server of one’s own', () => {
    expect(choice({ frontier: 'none' }).frontiers).toEqual([])
    expect(choice({ frontier: 'mistral, openai' }).frontiers).toMatchObject([{ name: 'mistral' }, { name: 'luna' }])
    expect(choice({ frontier: 'anthropic', frontierModel: 'claude-x' }).frontiers).toMatchObject([
      { keys: { model: 'claude-x' } },
    ])
    expect(choice({ frontier: 'http://10.0.0.5:8000/v1/' }, { frontierModels: ['big'] }).frontiers).toMatchObject([
      { name: 'server', keys: { baseUrl: 'http://10.0.0.5:8000/v1', model: 'big', privateNetwork: true } },
    ])
  })

  it.each([
    [
      { local: 'http://10.0.0.5:8000/v1' },
      '10.0.0.5:8000 is not this machine',
      'Use --frontier http://10.0.0.5:8000/v1',
    ],
    [{ local: 'http://127.0.0.1:7/v1' }, 'No model server answers', 'Start it'],
    [{ local: 'ollama' }, '--local ollama is neither', 'help init'],
    [{ localModel: 'nobody' }, 'There is no model nobody', 'Qwen/Qwen3-4B, mine'],
    [{ frontier: 'nobody' }, 'There is no provider nobody', 'anthropic'],
    [{ frontier: 'http://10.0.0.5:8000/v1' }, 'lists no model', '--frontier-model'],
    [{ frontier: 'openai,mistral', frontierModel: 'x' }, 'belongs to one provider', 'Name one'],
  ] as const)('refuses %o with what to do', (wishes, problem, fix) => {
    const failure = (() => {
      try {
        return choice(wishes)
      } catch (error) {
        return error
      }
    })()
    expect(failure).toMatchObject({
      code: 'usage',
      message: expect.stringContaining(problem),
      fix: expect.stringContaining(fix),
    })
  })
})
