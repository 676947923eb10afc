import { describe, expect, it } from 'vitest'
import { RouterError } from '../../src/spec/errors.ts'
import { parsePolicy } from '../../src/stores/policy-file.ts'

const policy = (task: string, models = '', routing = '{ maxFallbackAttempts: 3 }'): string => `
models:
  small: { provider: embedded, model: smollm2-135m-instruct, tier: local_fast }
  coder: { provider: ollama, model: qwen3-coder, tier: local_quality }
  haiku: { provider: openai, model: a, tier: frontier, priceUsdPerMillion: { input: 1, output: 5 } }
  sonnet: { provider: openai, model: b, tier: frontier, priceUsdPerMillion: { input: 3, output: 15 } }
${models}
routing: ${routing}
tasks:
  chat: ${task}
`
const read = (...given: Parameters<typeof policy>) =>
  parsePolicy(policy(...given), { file: 'p.yaml', env: {} }).policy.tasks.chat

/** Message and fix of the error. */
function refusal(...given: Parameters<typeof policy>): string {
  try {
    read(...given)
  } catch (error) {
    if (error instanceof RouterError) return `${error.code}: ${error.message} ${error.fix}`
    throw error
  }
  return 'accepted'
}

describe('tiers of a cascade', () => {
  it('say which models are local and which are frontiers', () => {
    const task = read(
      '{ gates: { entropyNats: null }, pattern: { cascade: { tiers: [small, [coder], haiku, sonnet] } } }',
    )
    expect(task).toMatchObject({ local: ['small', 'coder'], frontier: ['haiku', 'sonnet'] })
    expect(read('{ gates: { entropyNats: null }, pattern: { cascade: { tiers: [haiku, sonnet] } } }')).toMatchObject({
      local: false,
      frontier: ['haiku', 'sonnet'],
    })
    expect(read('{ pattern: { cascade: { tiers: [local_fast, local_quality, frontier] } } }')).toMatchObject({
      local: ['local_fast', 'local_quality'],
      frontier: ['frontier'],
    })
  })

  it('may stand beside the slots that follow from them, as `policy show` prints it', () => {
    const shown = '{ local: [small], frontier: [sonnet], pattern: { cascade: { tiers: [[small], [sonnet]] } } }'
    expect(read(shown)).toMatchObject({ local: ['small'], frontier: ['sonnet'] })
  })

  it.each([
    ['pattern: { cascade: { tiers: [small, sonet] } }', 'there is no model or tier sonet', 'Did you mean sonnet?'],
    ['pattern: { cascade: { tiers: [small, small] } }', 'small stands in it twice', 'Name each model once.'],
    ['pattern: { cascade: { tiers: [[small, haiku], sonnet] } }', 'are not both local', 'tier of their own'],
    ['pattern: { cascade: { tiers: [sonnet, small] } }', 'small is local and stands behind a hosted tier', 'cheaper'],
    ['pattern: { cascade: { tiers: [sonnet, haiku] } }', 'haiku costs less than sonnet before it', 'cheaper one first'],
    ['local: coder, pattern: { cascade: { tiers: [small, sonnet] } }', 'name the models', 'Remove it.'],
    ['pattern: { cascade: { tiers: [haiku, sonnet] } }', 'gives no token entropy', 'entropyNats: null'],
    ['kind: boolean, pattern: { cascade: { tiers: [haiku, sonnet] } }', 'of kind boolean', 'put it last'],
    ['pattern: { cascade: { tier: [small, sonnet] } }', 'tier', 'tiers'],
    ['pattern: { cascade: { tiers: [small] } }', '>=2 items', ''],
  ])('refuses %s', (keys, problem, fix) => {
    expect(refusal(`{ ${keys} }`)).toContain(problem)
    expect(refusal(`{ ${keys} }`)).toContain(fix)
  })

  it('refuses more tiers than attempts', () => {
    const tiers = '{ gates: { entropyNats: null }, pattern: { cascade: { tiers: [small, coder, haiku, sonnet] } } }'
    expect(refusal(tiers, '', '{}')).toMatch(/4 tiers need more than the 3 attempts.*maxFallbackAttempts: 3/s)
  })
})
