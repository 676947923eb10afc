import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { TEMPLATES, templateFile } from '../../src/cli/context.ts'
import { frontierBlock } from '../../src/cli/found-plan.ts'
import { type ModelBlock, type PolicyChoice, policyText } from '../../src/cli/policy-text.ts'
import { parsePolicy } from '../../src/stores/policy-file.ts'

const text = (name: (typeof TEMPLATES)[number]): string => readFileSync(templateFile(name), 'utf8')
const written = (name: (typeof TEMPLATES)[number], choice: PolicyChoice) =>
  parsePolicy(policyText(text(name), choice), { file: `${name}.yaml`, env: {} })
const qwen: ModelBlock = {
  name: 'small',
  comment: 'Ollama on this machine.',
  keys: { provider: 'ollama', model: 'qwen3:4b', tier: 'local_fast', contextTokens: 8192 },
}
const large: ModelBlock = { ...qwen, name: 'large', keys: { ...qwen.keys, model: 'qwen3:14b', tier: 'local_quality' } }
const haiku = frontierBlock('anthropic', null)
const mistral = frontierBlock('mistral', null)

describe.each(TEMPLATES)('the template %s with the models that are there', (name) => {
  it('is the template itself where nothing else was chosen', () => {
    expect(policyText(text(name), { locals: [], frontiers: 'as_shipped' })).toBe(text(name))
  })

  it.each([
    ['one local model and one frontier', { locals: [qwen], frontiers: [haiku] }, ['small', 'haiku']],
    [
      'two local models, two frontiers',
      { locals: [qwen, large], frontiers: [haiku, mistral] },
      ['small', 'large', 'haiku', 'mistral'],
    ],
    ['its own local model and another frontier', { locals: [], frontiers: [mistral] }, ['small', 'mistral']],
  ] as const)('is valid with %s', (_, choice, models) => {
    const { policy } = written(name, choice)
    // What never leaves has no frontier to choose.
    const possible = text(name).includes('haiku:')
      ? models
      : models.filter((model) => ['small', 'large'].includes(model))
    expect(Object.keys(policy.models)).toEqual(possible)
  })

  it('is valid without any frontier, and then no task names one', () => {
    const { policy } = written(name, { locals: [qwen], frontiers: [] })
    expect(Object.keys(policy.models)).toEqual(['small'])
    expect(Object.values(policy.tasks).filter(({ frontier }) => frontier !== false)).toEqual([])
  })

  it('keeps every comment of the tasks', () => {
    const comments = (whole: string) => whole.slice(whole.indexOf('defaults:')).match(/#.*$/gm)
    expect(comments(policyText(text(name), { locals: [qwen], frontiers: [haiku] }))).toEqual(comments(text(name)))
  })
})
