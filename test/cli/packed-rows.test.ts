import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { openAiText } from '../support/cloud-answers.ts'
import { type RecordedRequest, type ScriptedCloud, startScriptedCloud } from '../support/scripted-cloud.ts'
import { type Sandbox, sandbox } from './spillway.ts'

let box: Sandbox
let server: ScriptedCloud

beforeEach(async () => {
  box = sandbox()
  server = await startScriptedCloud()
  server.otherwise((request) => said(request))
})
afterEach(async () => {
  await box.close()
  await server.close()
})

const COLOURS: Readonly<Record<string, string>> = {
  rose: 'red',
  leaf: 'green',
  fire: 'red',
  frog: 'green',
  sea: 'blue',
}

function wordsOf({ body }: RecordedRequest): string {
  return (body.messages as readonly { readonly content: string }[] | undefined)?.at(-1)?.content ?? ''
}

/** Answers one item, or all that stand under their numbers; of the third it says nothing. */
function said(request: RecordedRequest) {
  const words = wordsOf(request)
  const items = [...words.matchAll(/^\[(\d+)\]\n(\w+)$/gm)]
  const answers = items.filter(([, at]) => at !== '3').map(([, at = '', item = '']) => [at, COLOURS[item]])
  const text = items.length > 0 ? `Sure: ${JSON.stringify(Object.fromEntries(answers))}` : (COLOURS[words] ?? '?')
  const reply = openAiText(text)
  return typeof reply === 'function' ? reply(request) : reply
}

/** What was asked; a server is first asked what it can do. */
const chats = () => server.requests.map(wordsOf).filter((words) => words in COLOURS || words.includes('[1]'))

function policy(task: string): void {
  const model = `{ provider: openai, model: m, tier: local_fast, baseUrl: "${server.openAiBaseUrl}" }`
  const text = `models: { small: ${model} }\ntasks: { tag: { ${task}, local: small, stage: accept, accept: { uncalibrated: true } } }\n`
  writeFileSync(join(box.folder, 'spillway.yaml'), text)
}

const WRITTEN = 'kind: text, gates: { entropyNats: null }, verify: { matches: ["^(red|green)$"] }'

function rows(...names: readonly string[]): void {
  const all = names.map((name) => JSON.stringify({ id: name, input: name, task: 'tag' }))
  writeFileSync(join(box.folder, 'rows.jsonl'), all.join('\n'))
}

function answers(): readonly (readonly unknown[])[] {
  const lines = readFileSync(join(box.folder, 'rows.output.jsonl'), 'utf8').trim().split('\n')
  return lines
    .map((line) => JSON.parse(line) as Readonly<Record<string, unknown>>)
    .map(({ id, answer, degraded }) => [id, answer, degraded])
    .toSorted()
}

describe('rows of a task with batch.pack', () => {
  it('share a prompt, each answer is checked alone, and what is missing or rejected is asked again by itself', async () => {
    policy(`${WRITTEN}, batch: { pack: 5 }`)
    rows('fire', 'frog', 'leaf', 'rose', 'sea')
    const finished = await box.run(['batch', 'run', 'rows.jsonl', '--json'])
    expect(finished.exitCode).toBe(0)
    expect(answers()).toEqual([
      ['fire', 'red', false],
      ['frog', 'green', false],
      // Nobody said anything of it in the prompt of all.
      ['leaf', 'green', false],
      ['rose', 'red', false],
      // Its gate rejects it both times, and there is nobody to ask above.
      ['sea', 'blue', true],
    ])
    const [packed = '', ...single] = chats()
    expect(packed.match(/^\[\d\]$/gm)).toHaveLength(5)
    expect(single.toSorted()).toEqual(['leaf', 'sea'])
  })

  it('are asked in groups of that size, and the last in what is left', async () => {
    policy(`${WRITTEN}, batch: { pack: 2 }`)
    rows('fire', 'frog', 'rose')
    expect((await box.run(['batch', 'run', 'rows.jsonl'])).exitCode).toBe(0)
    expect(chats().map((words) => (words.match(/^\[\d\]$/gm) ?? []).length)).toEqual([2, 0])
    expect(answers()).toHaveLength(3)
  })

  it('are asked one by one where the policy does not say so', async () => {
    policy(WRITTEN)
    rows('fire', 'frog')
    expect((await box.run(['batch', 'run', 'rows.jsonl'])).exitCode).toBe(0)
    expect(chats().toSorted()).toEqual(['fire', 'frog'])
  })

  it.each([
    ['kind: choice, labels: [red, green]', 'only answers in plain text can share a prompt'],
    ['kind: text', 'have no entropy'],
  ])('are refused where every answer would be sent on: %s', async (task, words) => {
    policy(`${task}, batch: { pack: 2 }`)
    const checked = await box.run(['policy', 'check', 'spillway.yaml'])
    expect(checked.exitCode).toBe(2)
    expect(checked.stderr + checked.stdout).toContain(words)
  })
})
