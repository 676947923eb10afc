/** `openai` of npm. */
import OpenAI from 'openai'
import { zodResponseFormat, zodTextFormat } from 'openai/helpers/zod'
import { z } from 'zod'
import { type Call, type Client, EMBEDDED, jsFailure, type Seen, WEATHER, WEATHER_RESULT } from './client.ts'
import { npmPackage } from './versions.ts'

const READING = z.object({ city: z.string(), degrees: z.number().int() })
const TOOLS: OpenAI.ChatCompletionTool[] = [{ type: 'function', function: { ...WEATHER, strict: true } }]
const RESPONSE_TOOLS: OpenAI.Responses.FunctionTool[] = [{ type: 'function', ...WEATHER, strict: true }]

export const openaiNpm: Client = {
  name: 'openai-npm',
  package: npmPackage('openai'),
  door: 'openai',
  kinds: {
    400: 'BadRequestError',
    401: 'AuthenticationError',
    404: 'NotFoundError',
    429: 'RateLimitError',
    503: 'InternalServerError',
    timeout: 'APIConnectionTimeoutError',
  },
  obeysShouldRetry: true,
  steps: {
    async chat(call) {
      const { choices, usage } = await at(call).chat.completions.create(asked(call))
      return {
        text: choices[0]?.message.content ?? '',
        inputTokens: usage?.prompt_tokens ?? -1,
        outputTokens: usage?.completion_tokens ?? -1,
      }
    },
    async stream(call) {
      let text = ''
      let pieces = 0
      const stream = await at(call).chat.completions.create({
        ...asked(call),
        stream: true,
        stream_options: { include_usage: true },
      })
      let outputTokens = -1
      for await (const chunk of stream) {
        const piece = chunk.choices[0]?.delta.content
        if (piece) pieces += 1
        text += piece ?? ''
        outputTokens = chunk.usage?.completion_tokens ?? outputTokens
      }
      return { text, pieces, outputTokens }
    },
    tools: (call) => withTools(call, (body) => at(call).chat.completions.create(body)),
    streamedTools: (call) =>
      withTools(call, (body) =>
        at(call)
          .chat.completions.stream({ ...body, stream: true })
          .finalChatCompletion(),
      ),
    async structured(call) {
      const format = zodResponseFormat(READING, 'reading')
      const { choices } = await at(call).chat.completions.parse({ ...asked(call), response_format: format })
      return { value: choices[0]?.message.parsed }
    },
    async abort(call) {
      const stream = await at(call).chat.completions.create({ ...asked(call), stream: true })
      for await (const chunk of stream) {
        const text = chunk.choices[0]?.delta.content
        if (text) return { text }
      }
      return {}
    },
    async models(call) {
      return { names: (await at(call).models.list()).data.map(({ id }) => id) }
    },
    async embed(call) {
      const { data } = await at(call).embeddings.create({ model: call.model, input: [...EMBEDDED] })
      return { vectors: data.map(({ embedding }) => embedding) }
    },
    async responses(call) {
      const { output_text: text, usage } = await at(call).responses.create({ model: call.model, input: call.prompt })
      return { text, inputTokens: usage?.input_tokens ?? -1, outputTokens: usage?.output_tokens ?? -1 }
    },
    async responsesStream(call) {
      let pieces = 0
      let text = ''
      const stream = await at(call).responses.create({ model: call.model, input: call.prompt, stream: true })
      for await (const event of stream) {
        if (event.type === 'response.output_text.delta') pieces += 1
        else if (event.type === 'response.completed') text = textOf(event.response)
      }
      return { text, pieces }
    },
    responsesTools,
    async responsesStructured(call) {
      const { output_parsed: value } = await at(call).responses.parse({
        model: call.model,
        input: call.prompt,
        text: { format: zodTextFormat(READING, 'reading') },
      })
      return { value }
    },
  },
  failureOf: jsFailure,
  absent: null,
  close: async () => {},
}

function at({ url, key, headers, retries, timeoutMs }: Call): OpenAI {
  return new OpenAI({
    baseURL: `${url}/v1`,
    apiKey: key,
    defaultHeaders: headers,
    maxRetries: retries,
    ...(timeoutMs !== null && { timeout: timeoutMs }),
  })
}

function asked({ model, prompt }: Call) {
  return { model, messages: [{ role: 'user' as const, content: prompt }] }
}

/** The helper of whole answers fills this in; an event only carries the items. */
function textOf({ output }: OpenAI.Responses.Response): string {
  return output
    .flatMap((item) => (item.type === 'message' ? item.content : []))
    .map((part) => (part.type === 'output_text' ? part.text : ''))
    .join('')
}

type Ask = (body: OpenAI.ChatCompletionCreateParamsNonStreaming) => Promise<OpenAI.ChatCompletion>

async function withTools(call: Call, ask: Ask): Promise<Seen> {
  const { model, messages } = asked(call)
  const first = (await ask({ model, messages, tools: TOOLS })).choices[0]?.message
  const calls = (first?.tool_calls ?? []).filter((one) => one.type === 'function')
  const results = calls.map(({ id }) => ({ role: 'tool' as const, tool_call_id: id, content: WEATHER_RESULT }))
  const second = await ask({ model, messages: [...messages, ...(first ? [first] : []), ...results], tools: TOOLS })
  return {
    toolCalls: calls.map((one) => ({ name: one.function.name, input: JSON.parse(one.function.arguments) })),
    text: second.choices[0]?.message.content ?? '',
  }
}

async function responsesTools(call: Call): Promise<Seen> {
  const { model, prompt } = call
  const input: OpenAI.Responses.ResponseInputItem[] = [{ role: 'user', content: prompt }]
  const first = await at(call).responses.create({ model, input, tools: RESPONSE_TOOLS })
  const calls = first.output.filter((item) => item.type === 'function_call')
  const results = calls.map(({ call_id }) => ({
    type: 'function_call_output' as const,
    call_id,
    output: WEATHER_RESULT,
  }))
  const second = await at(call).responses.create({
    model,
    input: [...input, ...calls, ...results],
    tools: RESPONSE_TOOLS,
  })
  return {
    toolCalls: calls.map((one) => ({ name: one.name, input: JSON.parse(one.arguments) })),
    text: second.output_text,
  }
}
