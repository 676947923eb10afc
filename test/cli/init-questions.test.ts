import { describe, expect, it } from 'vitest'
import type { Asker } from '../../src/cli/asker.ts'
import type { Found } from '../../src/cli/found.ts'
import { planFrom } from '../../src/cli/found-plan.ts'
import { askQuestions } from '../../src/cli/init-questions.ts'

const bare: Found = {
  servers: [],
  engine: { installed: false, models: [] },
  keys: [],
  refused: [],
  memory: { totalBytes: 16e9, availableBytes: 9e9 },
  notes: [],
}
const withOllama: Found = {
  ...bare,
  servers: [
    {
      kind: 'ollama',
      baseUrl: 'http://127.0.0.1:11434',
      version: '0.34.1',
      models: ['qwen3:4b', 'nomic-embed-text'].map((id) => ({
        id,
        runsAt: null,
        contextTokens: null,
        sizeBytes: 2.5e9,
      })),
    },
  ],
}
const nothingGiven: Parameters<typeof askQuestions>[1]['given'] = { template: null, local: null, frontier: null }

/** Answers in the order of the questions; `undefined` takes what is proposed. */
function scripted(...answers: readonly (string | boolean | undefined)[]) {
  const left = [...answers]
  const asked: { question: string; choices: readonly string[]; first: string | boolean }[] = []
  const asker: Asker = {
    async select(question, choices, first) {
      asked.push({ question, choices: choices.map(({ value }) => value), first })
      return (left.shift() ?? first) as (typeof choices)[number]['value']
    },
    async confirm(question, first) {
      asked.push({ question, choices: [], first })
      return (left.shift() ?? first) as boolean
    },
  }
  return { asker, asked }
}

const ask = (found: Found, asker: Asker, given: Partial<typeof nothingGiven> = {}) =>
  askQuestions(asker, { found, plan: planFrom(found, {}), given: { ...nothingGiven, ...given } })

describe('the questions of init', () => {
  it('propose the embedded engine where nothing is, and to fetch it', async () => {
    const { asker, asked } = scripted()
    expect(await ask(bare, asker)).toEqual({
      template: 'agent',
      wishes: { local: 'embedded', localModel: null, frontier: 'auto', frontierModel: null },
      install: true,
    })
    expect(asked).toHaveLength(4)
  })

  it('propose a model of a server that runs, and leave out what answers no questions', async () => {
    const { asker, asked } = scripted('log-triage')
    expect(await ask(withOllama, asker)).toMatchObject({
      template: 'log-triage',
      wishes: { local: 'auto', localModel: 'qwen3:4b' },
      install: false,
    })
    expect(asked[1]).toMatchObject({ choices: ['qwen3:4b', 'embedded', 'none'], first: 'qwen3:4b' })
  })

  it('do not ask who answers what is too hard where nothing may leave', async () => {
    const { asker, asked } = scripted('private-notes', 'none')
    expect(await ask(bare, asker)).toMatchObject({ wishes: { local: 'none', frontier: 'none' }, install: false })
    expect(asked).toHaveLength(2)
  })

  it('do not ask what flags have said', async () => {
    const { asker, asked } = scripted()
    await ask(withOllama, asker, { local: 'none', frontier: 'none' })
    expect(asked.map(({ question }) => question)).toEqual(['What is it for?'])
  })
})
