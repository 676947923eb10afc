/** What the guide says of LangChain.js beyond a first answer: its functions as they stand there, through a real gateway. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { pathToFileURL } from 'node:url'
import { ChatOpenAI, OpenAIEmbeddings } from '@langchain/openai'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type OpenDoor, openDoor } from '../support/ai-sdk-doors.ts'
import { openAiText, openAiToolCalls } from '../support/cloud-answers.ts'
import { closeAll } from '../support/gateway-on-cloud.ts'

const ROOT = resolve(import.meta.dirname, '../..')

interface Guide {
  readonly text: string
  withTools(question: string): Promise<string>
  placeIn(sentence: string): Promise<unknown>
}

let on: OpenDoor<'v4'>
let guide: Guide
let folder = ''
beforeAll(async () => {
  on = await openDoor('a gateway', 'v4', { vectors: (text) => [text.length, 3, 4] })
  const section = readFileSync(join(ROOT, 'docs/guides/clients.md'), 'utf8').split(/^### LangChain\.js$/m)[1] ?? ''
  const blocks = [...section.matchAll(/^```js\n([\s\S]*?)^```/gm)].map((match) => match[1] ?? '')
  // Inside the repository, so that it finds the packages.
  folder = mkdtempSync(join(ROOT, 'node_modules', '.langchain-'))
  const file = join(folder, 'guide.mjs')
  const code = blocks.find((block) => block.includes('withTools')) ?? ''
  writeFileSync(file, code.replace(/^let text/m, 'export let text').replace(/^console\.log.*$/m, ''))
  process.env.SPILLWAY_URL = on.gateway.url
  process.env.SPILLWAY_KEY = on.gateway.key
  on.cloud.enqueue(openAiText('60'))
  guide = await import(/* @vite-ignore */ pathToFileURL(file).href)
})
afterAll(async () => {
  delete process.env.SPILLWAY_URL
  delete process.env.SPILLWAY_KEY
  rmSync(folder, { recursive: true, force: true })
  await closeAll()
})

describe('LangChain.js through the gateway', () => {
  it('streams', () => {
    expect(guide.text).toBe('60')
  })

  it('calls tools, and answers with what they said', async () => {
    const before = on.cloud.requests.length
    on.cloud.enqueue(
      openAiToolCalls([{ id: 'call_1', name: 'weather', arguments: '{"city":"Rome"}' }]),
      openAiText('It is clear in Rome.'),
    )
    expect(await guide.withTools('Weather in Rome?')).toBe('It is clear in Rome.')
    expect(on.cloud.requests[before + 1]?.body.messages).toMatchObject([
      { role: 'user' },
      { role: 'assistant', tool_calls: [{ id: 'call_1' }] },
      { role: 'tool', content: 'Rome: clear' },
    ])
  })

  it('gives what a schema wants', async () => {
    on.cloud.enqueue(openAiText('{"city":"Oslo","rainy":true}'))
    expect(await guide.placeIn('It rains in Oslo.')).toEqual({ city: 'Oslo', rainy: true })
    expect(on.cloud.requests.at(-1)?.body.response_format).toMatchObject({ type: 'json_schema' })
  })

  it('gives vectors of the local model, and the record of the decision', async () => {
    const configuration = { baseURL: `${on.gateway.url}/v1` }
    const settings = { model: 'vectors', apiKey: on.gateway.key, maxRetries: 0, configuration }
    const [vector] = await new OpenAIEmbeddings(settings).embedDocuments(['a dam'])
    expect(Math.hypot(...(vector ?? []))).toBeCloseTo(1, 5)
    on.cloud.enqueue(openAiText('Hello.'))
    const chat = new ChatOpenAI({ ...settings, model: 'auto', __includeRawResponse: true })
    const { additional_kwargs: told } = await chat.invoke('Hi')
    expect(told.__raw_response).toMatchObject({ spillway: { route: 'frontier', model: 'big', task: 'direct' } })
  })
})
