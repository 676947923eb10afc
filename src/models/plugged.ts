/** A model whose adapter is a plugin: its events in the form of every other, its deadlines ours. */
import { RouterError } from '../spec/errors.ts'
import type { ModelPlugin, PluginAnswerEnd, PluginModelCall } from '../spec/plugin.ts'
import type { CallLimits, ModelCall, ModelEvent, ModelPort } from '../spec/ports.ts'
import { type Message, messageText } from '../spec/request.ts'
import { type DeadlineGuard, PROCESS_TIMERS, startDeadlines } from './deadlines.ts'
import { usageOf } from './usage.ts'

export interface PluggedSettings {
  /** Name of the model in the policy. */
  readonly name: string
  readonly plugin: ModelPlugin
  readonly model: string
  readonly tier: string
  readonly baseUrl: string | null
  readonly apiKey: string | null
  readonly maxOutputTokens: number
}

/**
 * `generate` throws `request_invalid` for what a plugin cannot carry (tools, images, vectors), `model_timeout`, `cancelled`, and `model_failed`
 * for whatever the plugin throws.
 */
export function createPluggedModel(settings: PluggedSettings): ModelPort {
  return {
    name: settings.name,
    streams: () => true,
    generate: (call, limits) => generate(settings, call, limits),
    close: () => Promise.resolve(),
  }
}

async function* generate(settings: PluggedSettings, call: ModelCall, limits: CallLimits): AsyncGenerator<ModelEvent> {
  const { name, plugin, tier } = settings
  const asked = callOf(settings, call)
  const guard = startDeadlines({ model: name, tier, limits, timers: PROCESS_TIMERS })
  try {
    guard.connected()
    let chars = 0
    let end: PluginAnswerEnd = {}
    for await (const piece of untilOver(plugin.generate(asked, { signal: guard.signal }), guard)) {
      if (typeof piece === 'string') {
        chars += piece.length
        if (piece !== '') yield { type: 'text', delta: piece }
      } else end = endIn(piece)
    }
    yield finish({ settings, call, chars, end })
  } catch (error) {
    throw guard.isOver() ? guard.reason() : failure(settings, error)
  } finally {
    guard.end()
  }
}

/** A plugin that does not listen to its signal is left behind. */
async function* untilOver<T>(pieces: AsyncIterable<T>, guard: DeadlineGuard): AsyncGenerator<T> {
  const reader = pieces[Symbol.asyncIterator]()
  const over = new Promise<never>((_, reject) => {
    guard.whenOver(reject)
    if (guard.isOver()) reject(guard.reason())
  })
  over.catch(() => undefined)
  try {
    for (;;) {
      guard.waiting()
      const next = await Promise.race([reader.next(), over])
      guard.answering()
      guard.progress()
      if (next.done) return
      yield next.value
    }
  } finally {
    // What it does after it was left is nobody's any more.
    void Promise.resolve(reader.return?.()).catch(() => undefined)
  }
}

interface Ended {
  readonly settings: PluggedSettings
  readonly call: ModelCall
  readonly chars: number
  readonly end: PluginAnswerEnd
}

function finish({ settings, call, chars, end }: Ended): ModelEvent {
  const { usage, servedBy = settings.model, finishReason = 'stop' } = end
  const reported = usage ? { input: usage.inputTokens, output: usage.outputTokens } : null
  return {
    type: 'finish',
    finishReason,
    usage: usageOf(reported, call, chars),
    signals: null,
    identity: { digest: null, quantisation: null, servedBy: servedBy.slice(0, 200) },
    raw: null,
  }
}

const FINISH_REASONS: readonly unknown[] = ['stop', 'length', 'content_filter']

function endIn(value: unknown): PluginAnswerEnd {
  if (typeof value !== 'object' || value === null)
    throw new TypeError('it gave a piece that is neither text nor the end')
  const { finishReason, usage, servedBy } = value as PluginAnswerEnd
  return {
    ...(FINISH_REASONS.includes(finishReason) && finishReason && { finishReason }),
    ...(usage && { usage }),
    ...(typeof servedBy === 'string' && { servedBy }),
  }
}

function callOf({ model, baseUrl, apiKey, maxOutputTokens }: PluggedSettings, call: ModelCall): PluginModelCall {
  if (call.tools && call.tools.length > 0) throw notCarried('tools')
  if (call.embed || call.completion) throw notCarried(call.embed ? 'embed' : 'completion')
  const { temperature, stop, responseSchema } = call
  return {
    model,
    baseUrl,
    apiKey,
    messages: call.messages.map((message) => ({ role: message.role, text: textOf(message) })),
    maxOutputTokens: Math.min(call.maxOutputTokens ?? maxOutputTokens, maxOutputTokens),
    ...(temperature !== undefined && { temperature }),
    ...(stop && { stop: [...stop] }),
    ...(responseSchema && { schema: responseSchema }),
  }
}

function textOf(message: Message): string {
  const { content, toolCalls } = message
  if (toolCalls || (typeof content !== 'string' && content.some(({ type }) => type !== 'text')))
    throw notCarried('content that is no text')
  return messageText(message)
}

function notCarried(path: string): RouterError {
  const fix = 'Leave it out, or route the task to another model.'
  return new RouterError('request_invalid', { path, problem: 'a model plugin carries texts only', fix })
}

function failure({ name, plugin, apiKey }: PluggedSettings, error: unknown): RouterError {
  if (error instanceof RouterError) return error
  const said = error instanceof Error ? error.name : typeof error
  const problem = `its plugin ${plugin.name} ${plugin.version} threw (${apiKey !== null && said.includes(apiKey) ? 'an error' : said})`
  return new RouterError('model_failed', { model: name, problem, fix: `Mend the plugin ${plugin.name}.` }, error)
}
