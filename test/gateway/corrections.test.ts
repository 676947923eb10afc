/** What is corrected after an answer was delivered: real clients read on, and who knows of it has the right text. */

import { createAnthropic } from '@ai-sdk/anthropic'
import { createOpenAI } from '@ai-sdk/openai'
import { createOpenAICompatible } from '@ai-sdk/openai-compatible'
import Anthropic from '@anthropic-ai/sdk'
import { ChatAnthropic } from '@langchain/anthropic'
import { ChatOpenAI } from '@langchain/openai'
import { type LanguageModel, streamText } from 'ai'
import { afterEach, describe, expect, it } from 'vitest'
import type { TextCorrection } from '../../src/spec/response.ts'
import { DRAFT, signals, tokens } from '../support/doubtful-year.ts'
import { closeGateways, type TestGateway, testGateway } from '../support/gateway.ts'
import { sampleRouter } from '../support/sample-router.ts'
import { MODELS, script } from './chat-script.ts'

afterEach(closeGateways)

const RIGHT = 'The old lighthouse at Cape Morrow was built in the year 1874 by hand.'
const AT = { start: 56, end: 60, text: '1874' }
const QUESTION =
  'The lighthouse at Cape Morrow was built in 1874.\n\nTell when the lighthouse was built, in a sentence.'
const messages = [{ role: 'user' as const, content: QUESTION }]

async function gateway(): Promise<TestGateway> {
  const small = { answers: () => ({ text: DRAFT, tokens, signals }) }
  const big = { answers: () => '{"value":"1874","evidence":"built in 1874","at":36}' }
  const chat = {
    kind: 'text',
    local: 'small',
    frontier: 'big',
    stage: 'accept',
    accept: { uncalibrated: true, auditRate: 0 },
    pattern: { buddy: { delivery: 'at_once' } },
  } as const
  const policy = { models: MODELS, tasks: { chat }, defaults: { task: 'chat' } }
  return await testGateway(sampleRouter(script({ small, big }, { policy })).router)
}

function corrected(text: string, corrections: readonly TextCorrection[]): string {
  const lastFirst = corrections.toSorted((a, b) => b.start - a.start)
  return lastFirst.reduce((now, { start, end, text: words }) => now.slice(0, start) + words + now.slice(end), text)
}

interface Told {
  readonly spillway?: { readonly corrections?: readonly TextCorrection[] }
}

async function bytesOf(
  { url, key }: TestGateway,
  path: string,
  body: object,
): Promise<readonly Record<string, unknown>[]> {
  const headers = {
    'content-type': 'application/json',
    authorization: `Bearer ${key}`,
    'anthropic-version': '2023-06-01',
  }
  const response = await fetch(`${url}${path}`, { method: 'POST', headers, body: JSON.stringify(body) })
  const lines = (await response.text()).split('\n').filter((line) => line.startsWith('data: {'))
  return lines.map((line) => JSON.parse(line.slice(6)) as Record<string, unknown>)
}

describe('a correction on the OpenAI wire', () => {
  it('is a chunk without choices after the text, and stands in the last chunk as well', async () => {
    const chunks = await bytesOf(await gateway(), '/v1/chat/completions', { model: 'auto', stream: true, messages })
    const at = chunks.findIndex(({ choices, spillway }) => (choices as unknown[]).length === 0 && spillway)
    const texts = chunks.map(({ choices }) => (choices as { delta?: { content?: string } }[])[0]?.delta?.content ?? '')
    expect(texts.join('')).toBe(DRAFT)
    expect(chunks[at]).toMatchObject({ object: 'chat.completion.chunk', spillway: { corrections: [AT] } })
    expect(at).toBeGreaterThan(texts.findLastIndex((text) => text !== ''))
    expect(chunks.at(-1)).toMatchObject({ spillway: { corrections: [AT], route: 'local', reason: 'entropy_high' } })
    expect(corrected(texts.join(''), (chunks[at] as Told).spillway?.corrections ?? [])).toBe(RIGHT)
  })

  it('is no correction for a caller who waits for the whole: the answer is right at once', async () => {
    const { client } = await gateway()
    const answer = await client.chat.completions.create({ model: 'auto', messages })
    expect(answer.choices[0]?.message.content).toBe(RIGHT)
    expect((answer as Told).spillway?.corrections).toBeUndefined()
  })

  it('stands at the end of a Responses stream and of a plain stream as clients read them', async () => {
    const { client } = await gateway()
    let text = ''
    const told: TextCorrection[] = []
    for await (const event of await client.responses.create({ model: 'auto', stream: true, input: QUESTION })) {
      if (event.type === 'response.output_text.delta') text += event.delta
      if (event.type !== 'response.completed') continue
      told.push(...((event.response as Told).spillway?.corrections ?? []))
      expect(event.response.output).toMatchObject([{ content: [{ text: RIGHT }] }])
    }
    expect(corrected(text, told)).toBe(RIGHT)
    const stream = client.chat.completions.stream({ model: 'auto', messages })
    expect((await stream.finalChatCompletion()).choices[0]?.message.content).toBe(DRAFT)
  })
})

describe('a correction on the Messages wire', () => {
  it('comes with a ping between the text and the end', async () => {
    const body = { model: 'auto', max_tokens: 100, stream: true, messages }
    const events = await bytesOf(await gateway(), '/v1/messages', body)
    const types = events.map(({ type }) => type)
    const at = events.findIndex(({ type, spillway }) => type === 'ping' && spillway)
    expect(events[at]).toEqual({ type: 'ping', spillway: { corrections: [AT] } })
    expect(at).toBeGreaterThan(types.lastIndexOf('content_block_delta'))
    expect(at).toBeLessThan(types.indexOf('message_stop'))
    expect(events.at(-1)).toMatchObject({ type: 'message_stop', spillway: { corrections: [AT] } })
  })
})

describe('clients that know nothing of corrections', () => {
  const anthropic = ({ url, key }: TestGateway) => createAnthropic({ baseURL: `${url}/v1`, apiKey: key })('auto')
  const openai = ({ url, key }: TestGateway) => createOpenAI({ baseURL: `${url}/v1`, apiKey: key }).chat('auto')
  const compatible = ({ url, key }: TestGateway) =>
    createOpenAICompatible({ name: 'spillway', baseURL: `${url}/v1`, apiKey: key }).chatModel('auto')
  const models: readonly (readonly [string, (at: TestGateway) => LanguageModel])[] = [
    ['@ai-sdk/anthropic', anthropic],
    ['@ai-sdk/openai', openai],
    ['@ai-sdk/openai-compatible', compatible],
  ]

  it.each(models)('read the whole stream: ai with %s', async (_, model) => {
    const errors: unknown[] = []
    const result = streamText({
      model: model(await gateway()),
      prompt: QUESTION,
      maxRetries: 0,
      onError: ({ error }) => void errors.push(error),
    })
    expect(await result.text).toBe(DRAFT)
    expect(await result.finishReason).toBe('stop')
    expect(errors).toEqual([])
  })

  it('read the whole stream: the SDK of Anthropic', async () => {
    const { url, key } = await gateway()
    const client = new Anthropic({ baseURL: url, apiKey: key, maxRetries: 0 })
    const final = await client.messages.stream({ model: 'auto', max_tokens: 100, messages }).finalMessage()
    expect(final.content).toMatchObject([{ type: 'text', text: DRAFT }])
    expect(final.stop_reason).toBe('end_turn')
  })

  it('read the whole stream: LangChain', async () => {
    const { url, key } = await gateway()
    const both = [
      new ChatOpenAI({ model: 'auto', apiKey: key, maxRetries: 0, configuration: { baseURL: `${url}/v1` } }),
      new ChatAnthropic({ model: 'auto', apiKey: key, maxRetries: 0, anthropicApiUrl: url }),
    ]
    for (const model of both) {
      let text = ''
      for await (const chunk of await model.stream(QUESTION)) text += chunk.text
      expect(text).toBe(DRAFT)
    }
  })
})
