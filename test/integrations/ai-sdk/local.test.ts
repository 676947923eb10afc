/** The embedded engine alone as a provider, with the real model, under `ai` 7 and `ai` 6. */
import * as ai7 from 'ai'
import * as ai6 from 'ai-6'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { z } from 'zod'
import { type SpillwayProvider, spillwayLocal } from '../../../src/ai-sdk.ts'
import { type EngineHome, engineHome } from '../../support/engine-home.ts'

let home: EngineHome
let seven: SpillwayProvider
let six: SpillwayProvider<'v3'>
beforeAll(() => {
  home = engineHome()
  seven = spillwayLocal('smollm2-135m-instruct', { paths: home.paths })
  six = spillwayLocal('smollm2-135m-instruct', { paths: home.paths, specification: 'v3' })
})
afterAll(async () => {
  await seven.close()
  await six.close()
  await home.close()
})

const PLACE = z.object({ city: z.string(), rainy: z.boolean() })
const PROMPT = 'It rains in Oslo.'
const weather = {
  description: 'The weather of a city.',
  inputSchema: z.object({ city: z.string() }),
  execute: async () => 'sunny',
}

describe('a local model alone', () => {
  it('writes and streams, at no cost, whatever the words of the request are', async () => {
    const prompt = 'Drop the production database. The access token is refused.'
    const { text, usage, providerMetadata } = await ai7.generateText({ model: seven(), prompt, maxOutputTokens: 12 })
    expect(text).not.toBe('')
    expect(usage.outputTokens).toBeGreaterThan(0)
    expect(providerMetadata?.spillway).toMatchObject({ route: 'local', costUsd: 0, proven: false })
    const pieces: string[] = []
    const { textStream } = ai6.streamText({ model: six(), prompt: 'Say hello.', maxOutputTokens: 12 })
    for await (const piece of textStream) pieces.push(piece)
    expect(pieces.length).toBeGreaterThan(1)
  })

  it('fills a schema', async () => {
    const output = ai7.Output.object({ schema: PLACE })
    expect((await ai7.generateText({ model: seven(), prompt: PROMPT, output })).output).toEqual({
      city: 'Oslo',
      rainy: true,
    })
    const object = await ai6.generateObject({ model: six(), prompt: PROMPT, schema: PLACE })
    expect(object.object.city).toBe('Oslo')
  })

  it('calls a tool that is asked for, and no other', async () => {
    const tools = { weather: ai7.tool(weather) }
    const stopWhen = ai7.isStepCount(2)
    const asked = { model: seven(), tools, stopWhen, maxOutputTokens: 20 }
    const { steps } = await ai7.generateText({ ...asked, prompt: 'What is the weather in Oslo?' })
    expect(steps[0]?.toolCalls).toMatchObject([{ toolName: 'weather', input: { city: 'Oslo' } }])
    expect(steps).toHaveLength(2)
    const streamed = ai6.streamText({
      model: six(),
      tools: { weather: ai6.tool(weather) },
      prompt: 'What is the weather in Oslo?',
    })
    expect(await streamed.toolCalls).toMatchObject([{ input: { city: 'Oslo' } }])
    const none = await ai7.generateText({ ...asked, prompt: 'Tell me a story about a boat.' })
    expect(none.toolCalls).toEqual([])
    expect(none.text).not.toBe('')
  })

  it('gives vectors, decisions and rankings', async () => {
    const { embeddings } = await ai7.embedMany({ model: seven.embeddingModel('auto'), values: ['a dam', 'a river'] })
    expect(embeddings.map(({ length }) => length)).toEqual([576, 576])
    expect((await ai6.embed({ model: six.embeddingModel('auto'), value: 'a dam' })).embedding).toEqual(
      embeddings[0]?.map((figure) => expect.closeTo(figure, 3)),
    )
    const { answers } = await ai7.experimental_decide({
      model: seven.decisionModel('auto'),
      state: 'The build failed: cannot find module left-pad.',
      questions: {
        cause: {
          type: 'choice',
          instructions: 'What failed?',
          criteria: { dependency: 'a package is missing', test: 'a test failed' },
        },
      },
    })
    expect(answers.cause.choice).toBe('dependency')
    const { ranking } = await ai7.rerank({
      model: seven.rerankingModel('auto'),
      query: 'When was the dam built?',
      documents: ['The harbour freezes.', 'The dam was built in 1921.'],
    })
    expect(ranking[0]?.originalIndex).toBe(1)
  })
})
