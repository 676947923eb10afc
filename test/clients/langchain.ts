/** LangChain.js with its chat models for OpenAI and Anthropic. */
import { ChatAnthropic } from '@langchain/anthropic'
import type { BaseChatModel, BaseChatModelCallOptions } from '@langchain/core/language_models/chat_models'
import {
  type AIMessage,
  type AIMessageChunk,
  HumanMessage,
  ToolMessage,
  type UsageMetadata,
} from '@langchain/core/messages'
import { tool } from '@langchain/core/tools'
import { ChatOpenAI, OpenAIEmbeddings } from '@langchain/openai'
import { z } from 'zod'
import { type Call, type Client, EMBEDDED, jsFailure, type Seen, WEATHER, WEATHER_RESULT } from './client.ts'
import { npmPackage } from './versions.ts'

const READING = z.object({ city: z.string(), degrees: z.number().int() })
const weather = tool(async () => WEATHER_RESULT, {
  name: WEATHER.name,
  description: WEATHER.description,
  schema: z.object({ city: z.string() }),
})

type Chat = ChatOpenAI | ChatAnthropic
type ChatOf = (call: Call) => Chat

const common = { obeysShouldRetry: false, failureOf: jsFailure, absent: null, close: async () => {} } as const

const responses: ChatOf = (call) => openAi(call, { useResponsesApi: true })

export const langchainOpenai: Client = {
  ...common,
  name: 'langchain-openai',
  package: `${npmPackage('@langchain/openai')}, ${npmPackage('@langchain/core')}`,
  door: 'openai',
  kinds: {
    400: 'BadRequestError',
    401: 'AuthenticationError',
    404: 'NotFoundError',
    429: 'RateLimitError',
    503: 'InternalServerError',
    timeout: 'TimeoutError',
  },
  steps: {
    ...stepsOf((call) => openAi(call, {})),
    async embed(call) {
      const model = new OpenAIEmbeddings({
        model: call.model,
        apiKey: call.key,
        maxRetries: 0,
        configuration: { baseURL: `${call.url}/v1` },
      })
      return { vectors: await model.embedDocuments([...EMBEDDED]) }
    },
    responses: (call) => chat(call, responses),
    responsesStream: (call) => stream(call, responses),
    responsesTools: (call) => tools(call, responses),
    responsesStructured: (call) => structured(call, responses),
  },
}

export const langchainAnthropic: Client = {
  ...common,
  name: 'langchain-anthropic',
  package: `${npmPackage('@langchain/anthropic')}, ${npmPackage('@langchain/core')}`,
  door: 'anthropic',
  kinds: {
    400: 'BadRequestError',
    401: 'AuthenticationError',
    404: 'NotFoundError',
    429: 'RateLimitError',
    503: 'InternalServerError',
    timeout: 'APIConnectionTimeoutError',
  },
  steps: stepsOf(
    ({ url, key, model, headers, retries, timeoutMs }) =>
      new ChatAnthropic({
        model,
        apiKey: key,
        anthropicApiUrl: url,
        maxRetries: retries,
        maxTokens: 200,
        clientOptions: { defaultHeaders: headers, ...(timeoutMs !== null && { timeout: timeoutMs }) },
      }),
  ),
}

function openAi(call: Call, more: { readonly useResponsesApi?: boolean }): ChatOpenAI {
  const { url, key, model, headers, retries, timeoutMs } = call
  return new ChatOpenAI({
    model,
    apiKey: key,
    maxRetries: retries,
    configuration: { baseURL: `${url}/v1`, defaultHeaders: headers },
    ...(timeoutMs !== null && { timeout: timeoutMs }),
    ...more,
  })
}

function stepsOf(model: ChatOf): Client['steps'] {
  return {
    chat: (call) => chat(call, model),
    stream: (call) => stream(call, model),
    tools: (call) => tools(call, model),
    streamedTools: (call) => streamedTools(call, model),
    structured: (call) => structured(call, model),
    abort: (call) => abort(call, model),
  }
}

async function chat(call: Call, model: ChatOf): Promise<Seen> {
  const answer = await base(model(call)).invoke(call.prompt)
  const usage = usageOf(answer)
  return { text: answer.text, inputTokens: usage?.input_tokens ?? -1, outputTokens: usage?.output_tokens ?? -1 }
}

async function stream(call: Call, model: ChatOf): Promise<Seen> {
  let text = ''
  let pieces = 0
  let outputTokens = -1
  for await (const chunk of await base(model(call)).stream(call.prompt)) {
    if (chunk.text) pieces += 1
    text += chunk.text
    // Of Anthropic's streams it hands on the first count and the last, and a sum would be of both.
    outputTokens = usageOf(chunk)?.output_tokens || outputTokens
  }
  return { text, pieces, outputTokens }
}

async function tools(call: Call, model: ChatOf): Promise<Seen> {
  const bound = model(call).bindTools([weather])
  return withTools(call, (messages) => bound.invoke(messages))
}

async function streamedTools(call: Call, model: ChatOf): Promise<Seen> {
  const bound = model(call).bindTools([weather])
  return withTools(call, async (messages) => {
    let whole: AIMessageChunk | null = null
    for await (const chunk of await bound.stream(messages)) whole = whole === null ? chunk : whole.concat(chunk)
    if (whole === null) throw new Error('the stream was empty')
    return whole
  })
}

type Ask = (messages: (HumanMessage | AIMessage | ToolMessage)[]) => Promise<AIMessage | AIMessageChunk>

async function withTools({ prompt }: Call, ask: Ask): Promise<Seen> {
  const question = new HumanMessage(prompt)
  const first = await ask([question])
  const results = (first.tool_calls ?? []).map(
    ({ id = '' }) => new ToolMessage({ tool_call_id: id, content: WEATHER_RESULT }),
  )
  const { text } = await ask([question, first, ...results])
  return { text, toolCalls: (first.tool_calls ?? []).map(({ name, args }) => ({ name, input: args })) }
}

async function structured(call: Call, model: ChatOf): Promise<Seen> {
  return { value: await base(model(call)).withStructuredOutput(READING).invoke(call.prompt) }
}

async function abort(call: Call, model: ChatOf): Promise<Seen> {
  const gone = new AbortController()
  for await (const { text } of await base(model(call)).stream(call.prompt, { signal: gone.signal })) {
    if (!text) continue
    gone.abort()
    return { text }
  }
  return {}
}

/** The type of a message leaves them out until it is told the shape of its tools. */
function usageOf(message: object): UsageMetadata | undefined {
  return (message as { readonly usage_metadata?: UsageMetadata }).usage_metadata
}

/** Both are one of these; the union of their own signatures cannot be called. */
function base(model: Chat): BaseChatModel<BaseChatModelCallOptions, AIMessageChunk> {
  return model as BaseChatModel<BaseChatModelCallOptions, AIMessageChunk>
}
