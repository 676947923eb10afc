/** `ai` of npm with its providers for OpenAI, for what is compatible with it, and for Anthropic. */
import { createAnthropic } from '@ai-sdk/anthropic'
import { createOpenAI } from '@ai-sdk/openai'
import { createOpenAICompatible } from '@ai-sdk/openai-compatible'
import {
  type EmbeddingModel,
  embedMany,
  generateText,
  isStepCount,
  type LanguageModel,
  Output,
  streamText,
  tool,
} from 'ai'
import { z } from 'zod'
import { type Call, type Client, type Door, EMBEDDED, jsFailure, type Seen, WEATHER, WEATHER_RESULT } from './client.ts'
import { npmPackage } from './versions.ts'

const READING = z.object({ city: z.string(), degrees: z.number().int() })
const TOOLS = {
  [WEATHER.name]: tool({
    description: WEATHER.description,
    inputSchema: z.object({ city: z.string() }),
    execute: async () => WEATHER_RESULT,
  }),
}

type ModelOf = (call: Call) => LanguageModel

const openai = ({ url, key, headers }: Call) => createOpenAI({ baseURL: `${url}/v1`, apiKey: key, headers })
const compatible = ({ url, key, headers }: Call) =>
  createOpenAICompatible({
    name: 'spillway',
    baseURL: `${url}/v1`,
    apiKey: key,
    headers,
    includeUsage: true,
    supportsStructuredOutputs: true,
  })
const anthropic = ({ url, key, headers }: Call) => createAnthropic({ baseURL: `${url}/v1`, apiKey: key, headers })

const responses: ModelOf = (call) => openai(call).responses(call.model)

export const aiOpenai: Client = {
  ...aiClient('ai-openai', '@ai-sdk/openai', 'openai'),
  steps: {
    ...stepsOf((call) => openai(call).chat(call.model)),
    embed: (call) => embed(openai(call).embeddingModel(call.model)),
    responses: (call) => chat(call, responses),
    responsesStream: (call) => stream(call, responses),
    responsesTools: (call) => tools(call, responses),
    responsesStructured: (call) => structured(call, responses),
  },
}

export const aiOpenaiCompatible: Client = {
  ...aiClient('ai-openai-compatible', '@ai-sdk/openai-compatible', 'openai'),
  steps: {
    ...stepsOf((call) => compatible(call).chatModel(call.model)),
    embed: (call) => embed(compatible(call).embeddingModel(call.model)),
  },
}

export const aiAnthropic: Client = {
  ...aiClient('ai-anthropic', '@ai-sdk/anthropic', 'anthropic'),
  steps: stepsOf((call) => anthropic(call)(call.model)),
}

function aiClient(name: string, provider: string, door: Door): Client {
  const refused = 'APICallError'
  return {
    name,
    package: `${npmPackage('ai')}, ${npmPackage(provider)}`,
    door,
    kinds: { 400: refused, 401: refused, 404: refused, 429: refused, 503: refused, timeout: 'DOMException' },
    obeysShouldRetry: false,
    steps: {},
    failureOf: jsFailure,
    absent: null,
    close: async () => {},
  }
}

function stepsOf(model: ModelOf): Client['steps'] {
  return {
    chat: (call) => chat(call, model),
    stream: (call) => stream(call, model),
    tools: (call) => tools(call, model),
    streamedTools: (call) => streamedTools(call, model),
    structured: (call) => structured(call, model),
    abort: (call) => abort(call, model),
  }
}

function asked(call: Call, model: ModelOf) {
  return {
    model: model(call),
    prompt: call.prompt,
    maxRetries: call.retries,
    maxOutputTokens: 200,
    ...(call.timeoutMs !== null && { abortSignal: AbortSignal.timeout(call.timeoutMs) }),
  }
}

async function chat(call: Call, model: ModelOf): Promise<Seen> {
  const { text, usage } = await generateText(asked(call, model))
  return { text, inputTokens: usage.inputTokens ?? -1, outputTokens: usage.outputTokens ?? -1 }
}

/** An error is a part of the stream there; whoever only reads the text would not see it. */
async function stream(call: Call, model: ModelOf): Promise<Seen> {
  let text = ''
  let pieces = 0
  let outputTokens = -1
  const { stream: parts } = streamText({ ...asked(call, model), onError: () => {} })
  for await (const part of parts) {
    if (part.type === 'error') throw part.error
    if (part.type === 'text-delta') {
      text += part.text
      pieces += 1
    } else if (part.type === 'finish') outputTokens = part.totalUsage.outputTokens ?? -1
  }
  return { text, pieces, outputTokens }
}

async function tools(call: Call, model: ModelOf): Promise<Seen> {
  const { steps, text } = await generateText({ ...asked(call, model), tools: TOOLS, stopWhen: isStepCount(2) })
  return {
    text,
    toolCalls: steps.flatMap(({ toolCalls }) => toolCalls).map(({ toolName: name, input }) => ({ name, input })),
  }
}

async function streamedTools(call: Call, model: ModelOf): Promise<Seen> {
  const result = streamText({ ...asked(call, model), tools: TOOLS, stopWhen: isStepCount(2), onError: () => {} })
  const steps = await result.steps
  const calls = steps.flatMap(({ toolCalls }) => toolCalls)
  return { text: await result.text, toolCalls: calls.map(({ toolName: name, input }) => ({ name, input })) }
}

async function structured(call: Call, model: ModelOf): Promise<Seen> {
  const { output: value } = await generateText({ ...asked(call, model), output: Output.object({ schema: READING }) })
  return { value }
}

async function abort(call: Call, model: ModelOf): Promise<Seen> {
  const gone = new AbortController()
  const { textStream } = streamText({ ...asked(call, model), abortSignal: gone.signal, onError: () => {} })
  for await (const text of textStream) {
    gone.abort()
    return { text }
  }
  return {}
}

async function embed(model: EmbeddingModel): Promise<Seen> {
  return { vectors: (await embedMany({ model, values: [...EMBEDDED], maxRetries: 0 })).embeddings }
}
