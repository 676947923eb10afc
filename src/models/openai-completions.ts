/** The older completions of the OpenAI dialect: a text goes on, or is filled in before another. */
import type { FinishReason } from '../spec/decision.ts'
import { RouterError } from '../spec/errors.ts'
import type { ModelCall, ModelEvent } from '../spec/ports.ts'
import { messageText } from '../spec/request.ts'
import type { WireAnswer } from '../spec/wire.ts'
import { withoutDestinations } from './caller-body.ts'
import {
  type AnswerReader,
  asObject,
  type Dialect,
  type JsonObject,
  malformed,
  objectsIn,
  parseObject,
} from './http-model.ts'
import { countsIn, finishReason, reportIn } from './openai-answer.ts'
import { withCap } from './output-cap.ts'
import type { Frame } from './server-sent-events.ts'
import { reportedError } from './upstream-errors.ts'
import { type ReportedCounts, usageOf } from './usage.ts'

export interface OpenAiCompletionsSettings {
  /** Name of the model in the policy. */
  readonly name: string
  /** The model id at the provider. */
  readonly model: string
  readonly apiKey: string | null
  readonly baseUrl: string
  readonly headers: Readonly<Record<string, string>>
}

export function completionsDialect(settings: OpenAiCompletionsSettings): Dialect {
  const { model, baseUrl, headers } = settings
  return {
    url: new URL(`${baseUrl.replace(/\/+$/, '')}/completions`),
    headers,
    requestBody: (call) => completionBody(call, model),
    readStream: (call) => readStream(settings, call),
    readWhole: (body, call) => readWhole(settings, body, call),
  }
}

/** What the router says about an escalation has no place here: the text before and the text after are all there is. */
function completionBody(call: ModelCall, model: string): JsonObject {
  const [before, after] = call.messages.filter(({ role }) => role === 'user').map(messageText)
  const { temperature, topP, stop, seed, maxOutputTokens } = call
  const body = {
    ...(maxOutputTokens === undefined ? {} : { max_tokens: maxOutputTokens }),
    ...(temperature === undefined ? {} : { temperature }),
    ...(topP === undefined ? {} : { top_p: topP }),
    ...(stop === undefined || stop.length === 0 ? {} : { stop }),
    ...(seed === undefined ? {} : { seed }),
    ...withoutDestinations(call.wire?.body ?? {}),
    model,
    prompt: before ?? '',
    ...(after === undefined ? {} : { suffix: after }),
    ...(call.stream ? { stream: true, stream_options: { include_usage: true } } : {}),
  }
  return withCap(body, call, ['max_tokens'])
}

function readStream(settings: OpenAiCompletionsSettings, call: ModelCall): AnswerReader {
  const { name, apiKey } = settings
  let finish: FinishReason | null = null
  let counts: ReportedCounts | null = null
  let servedBy = settings.model
  let outputChars = 0
  return {
    read({ event, data }: Frame) {
      if (data === '' || data === '[DONE]') return []
      const chunk = parseObject(name, data)
      if (event === 'error' || reportIn(chunk) !== null) throw reportedError(name, reportIn(chunk) ?? chunk, apiKey)
      if (typeof chunk.model === 'string' && chunk.model !== '') servedBy = chunk.model
      counts = countsIn(chunk.usage) ?? counts
      const [choice] = objectsIn(chunk.choices)
      if (choice === undefined) return []
      const text = typeof choice.text === 'string' ? choice.text : ''
      if (finish !== null && text !== '') throw malformed(name, 'more text came after the finish reason')
      finish = finishReason(name, choice.finish_reason) ?? finish
      outputChars += text.length
      return [...(text === '' ? [] : [textEvent(text)]), { type: 'raw', dialect: 'openai_completions', chunk }]
    },
    isAnswered: () => finish !== null,
    finish: () => finished({ call, counts, outputChars, servedBy, finish: finish ?? 'stop', raw: null }),
  }
}

function readWhole(settings: OpenAiCompletionsSettings, body: JsonObject, call: ModelCall): readonly ModelEvent[] {
  const { name, apiKey, model } = settings
  const report = reportIn(body)
  if (report !== null) throw reportedError(name, report, apiKey)
  const [choice] = objectsIn(body.choices)
  if (choice === undefined || typeof choice.text !== 'string') throw malformed(name, 'it holds no choices[0].text')
  const reason = finishReason(name, choice.finish_reason)
  if (reason === null) throw new RouterError('model_incomplete', { model: name })
  const servedBy = typeof body.model === 'string' ? body.model : model
  const counts = countsIn(asObject(body.usage))
  const { text } = choice
  const end = finished({
    call,
    counts,
    outputChars: text.length,
    servedBy,
    finish: reason,
    raw: { dialect: 'openai_completions', body },
  })
  return [...(text === '' ? [] : [textEvent(text)]), end]
}

function textEvent(delta: string): ModelEvent {
  return { type: 'text', delta }
}

function finished(end: {
  readonly call: ModelCall
  readonly counts: ReportedCounts | null
  readonly outputChars: number
  readonly servedBy: string
  readonly finish: FinishReason
  readonly raw: WireAnswer | null
}): ModelEvent {
  return {
    type: 'finish',
    finishReason: end.finish,
    usage: usageOf(end.counts, end.call, end.outputChars),
    signals: null,
    identity: { digest: null, quantisation: null, servedBy: end.servedBy },
    raw: end.raw,
  }
}
