/** `@anthropic-ai/sdk` of npm. */
import Anthropic from '@anthropic-ai/sdk'
import { zodOutputFormat } from '@anthropic-ai/sdk/helpers/zod'
import { z } from 'zod'
import { type Call, type Client, jsFailure, type Seen, WEATHER, WEATHER_RESULT } from './client.ts'
import { npmPackage } from './versions.ts'

const READING = z.object({ city: z.string(), degrees: z.number().int() })
const TOOLS: Anthropic.Tool[] = [
  {
    name: WEATHER.name,
    description: WEATHER.description,
    input_schema: { ...WEATHER.parameters, required: ['city'] },
  },
]

export const anthropicNpm: Client = {
  name: 'anthropic-npm',
  package: npmPackage('@anthropic-ai/sdk'),
  door: 'anthropic',
  kinds: {
    400: 'BadRequestError',
    401: 'AuthenticationError',
    404: 'NotFoundError',
    429: 'RateLimitError',
    503: 'ServiceUnavailableError',
    timeout: 'APIConnectionTimeoutError',
  },
  obeysShouldRetry: true,
  steps: {
    async chat(call) {
      const { content, usage } = await at(call).messages.create(asked(call))
      return { text: textOf(content), inputTokens: usage.input_tokens, outputTokens: usage.output_tokens }
    },
    async stream(call) {
      let pieces = 0
      const stream = at(call)
        .messages.stream(asked(call))
        .on('text', () => {
          pieces += 1
        })
      const { content, usage } = await stream.finalMessage()
      return { text: textOf(content), pieces, outputTokens: usage.output_tokens }
    },
    tools: (call) => withTools(call, (body) => at(call).messages.create(body)),
    streamedTools: (call) => withTools(call, (body) => at(call).messages.stream(body).finalMessage()),
    async structured(call) {
      const { parsed_output: value } = await at(call).messages.parse({
        ...asked(call),
        output_config: { format: zodOutputFormat(READING) },
      })
      return { value }
    },
    async abort(call) {
      const stream = await at(call).messages.create({ ...asked(call), stream: true })
      for await (const event of stream) {
        if (event.type === 'content_block_delta' && event.delta.type === 'text_delta') return { text: event.delta.text }
      }
      return {}
    },
    async models(call) {
      return { names: (await at(call).models.list()).data.map(({ id }) => id) }
    },
    async countTokens(call) {
      const { model, messages } = asked(call)
      return { inputTokens: (await at(call).messages.countTokens({ model, messages })).input_tokens }
    },
  },
  failureOf: jsFailure,
  absent: null,
  close: async () => {},
}

function at({ url, key, headers, retries, timeoutMs }: Call): Anthropic {
  return new Anthropic({
    baseURL: url,
    apiKey: key,
    authToken: null,
    defaultHeaders: headers,
    maxRetries: retries,
    ...(timeoutMs !== null && { timeout: timeoutMs }),
  })
}

function asked({ model, prompt }: Call) {
  return { model, max_tokens: 200, messages: [{ role: 'user' as const, content: prompt }] }
}

function textOf(content: readonly Anthropic.ContentBlock[]): string {
  return content.map((block) => (block.type === 'text' ? block.text : '')).join('')
}

type Ask = (body: Anthropic.MessageCreateParamsNonStreaming) => Promise<Anthropic.Message>

async function withTools(call: Call, ask: Ask): Promise<Seen> {
  const { messages, ...rest } = asked(call)
  const { content } = await ask({ ...rest, messages, tools: TOOLS })
  const calls = content.filter((block) => block.type === 'tool_use')
  const results = calls.map(({ id }) => ({ type: 'tool_result' as const, tool_use_id: id, content: WEATHER_RESULT }))
  const second = await ask({
    ...rest,
    messages: [...messages, { role: 'assistant', content }, { role: 'user', content: results }],
    tools: TOOLS,
  })
  return { toolCalls: calls.map(({ name, input }) => ({ name, input })), text: textOf(second.content) }
}
