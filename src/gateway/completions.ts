/** `POST /v1/completions`: a text goes on, or is filled in before a suffix. */
import { z } from 'zod'
import type { RouterRequest } from '../spec/request.ts'
import type { Outcome, StreamEvent } from '../spec/response.ts'
import { readJsonBody } from './body.ts'
import { answered, answeredBy, spillwayField } from './completion.ts'
import { EventWriter } from './event-writer.ts'
import type { Exchange } from './exchange.ts'
import { failureOf, sendFailure, sendJson, wireError } from './failure.ts'
import { knownOf, setDecisionHeaders } from './headers.ts'
import { metadataOf } from './metadata.ts'
import { chooseModel, type KnownAnswer, warningOf, wishOf } from './model-choice.ts'
import { parseBody } from './read-body.ts'

/** Of one request; each is asked for by itself. */
const MAX_CHOICES = 128
/** What the dialect has always meant by none. */
const DEFAULT_MAX_TOKENS = 16

const text = z.string('must be text: lists of tokens belong to the tokenizer of one model').min(1, 'is empty')

const bodySchema = z
  .looseObject({
    model: z.string().min(1).max(256).default('auto'),
    prompt: z.union([text, z.array(text).min(1).max(MAX_CHOICES)]),
    suffix: z.string().nullish(),
    n: z.number().int().min(1).max(16).nullish(),
    best_of: z.literal(1, 'is not offered: answers that nobody sees are not asked for').nullish(),
    echo: z.literal(false, 'is not offered: the prompt is with the client already').nullish(),
    stream: z.boolean().nullish(),
    stream_options: z.looseObject({ include_usage: z.boolean().optional() }).nullish(),
    max_tokens: z.number().int().min(1).max(1_000_000).nullish(),
    temperature: z.number().min(0).max(2).nullish(),
    top_p: z.number().min(0).max(1).nullish(),
    stop: z.union([z.string().min(1), z.array(z.string().min(1)).max(16)]).nullish(),
    seed: z.number().int().nullish(),
    logprobs: z.number().int().min(0).max(5).nullish(),
    logit_bias: z.record(z.string(), z.number()).nullish(),
    presence_penalty: z.number().min(-2).max(2).nullish(),
    frequency_penalty: z.number().min(-2).max(2).nullish(),
    metadata: z.record(z.string().max(64), z.unknown()).nullish(),
  })
  .refine(({ prompt, n }) => (typeof prompt === 'string' ? 1 : prompt.length) * (n ?? 1) <= MAX_CHOICES, {
    path: ['n'],
    message: `asks for more than ${MAX_CHOICES} texts in all`,
  })

type Body = z.output<typeof bodySchema>

interface Asked {
  readonly requests: readonly RouterRequest[]
  readonly includeUsage: boolean
  readonly warningFor: (known: KnownAnswer) => string | undefined
}

export async function completions(exchange: Exchange): Promise<void> {
  const { app, request: incoming } = exchange
  const raw = await readJsonBody(incoming, app.settings.maxBodyBytes)
  const body = parseBody(bodySchema, raw, {
    what: 'a completions request',
    fix: 'Send {"model": "auto", "prompt": "…"}, with "suffix" for a text to be filled in.',
  })
  const choice = chooseModel(body.model, { names: () => app.router.status(), unknownModel: app.settings.unknownModel })
  const metadata = metadataOf(body.metadata ?? {}, incoming.headers)
  const shared = { metadata: { ...metadata, ...(choice.task && { task: choice.task }) }, ...wishOf(choice) }
  const asked: Asked = {
    requests: requestsOf(body).map((request, index) => ({
      ...shared,
      ...request,
      ...(index === 0 && { id: exchange.requestId }),
    })),
    includeUsage: body.stream_options?.include_usage === true,
    warningFor: (known) => warningOf(choice, known),
  }
  await app.idempotency.once(exchange, {
    tenant: metadata.tenant ?? null,
    asked: [raw, metadata, incoming.headers['x-spillway-route']],
    answer: (own) => (body.stream ? streamed(own, asked) : whole(own, asked)),
  })
}

/** One for each text that is wanted: which of several a model wrote is then never in question. */
function requestsOf(body: Body): readonly RouterRequest[] {
  const {
    model: _,
    prompt,
    suffix,
    n,
    best_of: _b,
    echo: _e,
    stream: _s,
    stream_options: _o,
    metadata: _m,
    ...wire
  } = body
  const { max_tokens, temperature, top_p, stop, seed } = body
  const texts = (typeof prompt === 'string' ? [prompt] : prompt).flatMap((one) => Array<string>(n ?? 1).fill(one))
  return texts.map((content, index): RouterRequest => {
    const own = typeof seed === 'number' ? { seed: seed + (index % (n ?? 1)) } : {}
    return {
      messages: [{ role: 'user', content }, ...(suffix ? [{ role: 'user' as const, content: suffix }] : [])],
      completion: true,
      wire: { dialect: 'openai_completions', body: { ...wire, ...own } },
      needs: needsOf(body),
      maxOutputTokens: max_tokens ?? DEFAULT_MAX_TOKENS,
      ...(typeof temperature === 'number' && { temperature }),
      ...(typeof top_p === 'number' && { topP: top_p }),
      ...(stop && { stop: typeof stop === 'string' ? [stop] : stop }),
      ...own,
    }
  })
}

/** Not every local model knows of a text that comes after; nobody fills in a text as if there were none. */
function needsOf(body: Body): readonly string[] {
  const { suffix, logprobs, logit_bias, presence_penalty, frequency_penalty } = body
  return [
    ...(suffix ? ['suffix'] : []),
    ...(typeof logprobs === 'number' ? ['logprobs'] : []),
    ...(Object.keys(logit_bias ?? {}).length > 0 ? ['logit_bias'] : []),
    ...(presence_penalty || frequency_penalty ? ['penalties'] : []),
  ]
}

async function whole({ app, response, signal, requestId }: Exchange, { requests, warningFor }: Asked): Promise<void> {
  const outcomes: Outcome[] = []
  const options = { signal, taken: { usd: 0 } }
  for (const request of requests) outcomes.push(answered(await app.router.complete(request, options)))
  const [first] = outcomes
  if (!first) return
  setDecisionHeaders(response, { ...knownOf(first), warning: warningFor(first) })
  sendJson(response, 200, completionsBody([first, ...outcomes.slice(1)], requestId))
}

/** One choice for each text that was asked for. */
export function completionsBody(outcomes: readonly [Outcome, ...Outcome[]], id: string): object {
  const [first] = outcomes
  return {
    id: `cmpl-${id}`,
    object: 'text_completion',
    created: Math.floor(Date.now() / 1000),
    model: answeredBy(first),
    choices: outcomes.map((outcome, index) => ({
      text: outcome.answer ?? '',
      index,
      logprobs: logprobsOf(outcome.raw?.body),
      finish_reason: outcome.finishReason ?? 'stop',
    })),
    usage: usageOf(outcomes),
    spillway: outcomes.length === 1 ? spillwayField(first) : outcomes.map(spillwayField),
  }
}

/** One text after the other, each under its own number. */
async function streamed(exchange: Exchange, { requests, includeUsage, warningFor }: Asked): Promise<void> {
  const { app, response, signal, requestId } = exchange
  const writer = new EventWriter(exchange)
  const head = { id: `cmpl-${requestId}`, object: 'text_completion', created: Math.floor(Date.now() / 1000) }
  const outcomes: Outcome[] = []
  const options = { signal, taken: { usd: 0 } }
  let model = 'auto'
  const say = (index: number, piece: object): void =>
    writer.data({ ...head, model, choices: [{ text: '', index, logprobs: null, finish_reason: null, ...piece }] })
  const take = (index: number, event: StreamEvent): Promise<void> | undefined => {
    if (event.type === 'waiting') writer.comment()
    else if (event.type === 'text' && event.delta !== '') say(index, { text: event.delta })
    else if (event.type === 'commit' && event.decision.route !== 'held') {
      model = answeredBy(event)
      if (!writer.isOpen) setDecisionHeaders(response, { ...event, warning: warningFor(event) })
      writer.open()
    } else if (event.type === 'raw') {
      const logprobs = logprobsOf(event.chunk)
      if (logprobs) say(index, { logprobs })
    } else if (event.type === 'final') {
      if (!writer.isOpen)
        setDecisionHeaders(response, { ...knownOf(event.outcome), warning: warningFor(event.outcome) })
      outcomes.push(answered(event.outcome))
      model = answeredBy(event.outcome)
      say(index, { finish_reason: event.outcome.finishReason ?? 'stop' })
    }
    return writer.drained()
  }
  try {
    for (const [index, request] of requests.entries())
      await app.router.streamTo(request, (event) => take(index, event), options)
    const fields = outcomes.map(spillwayField)
    const spillway = fields.length === 1 ? fields[0] : fields
    writer.data({ ...head, model, choices: [], ...(includeUsage && { usage: usageOf(outcomes) }), spillway })
    writer.data('[DONE]')
    writer.end()
  } catch (error) {
    const failure = failureOf(error, app)
    if (writer.isOpen) {
      writer.data(wireError(failure))
      writer.end()
    } else if (!response.destroyed) sendFailure(response, failure, { requestId, dialect: 'openai_completions' })
    throw failure
  } finally {
    writer.stop()
  }
}

function logprobsOf(raw: Readonly<Record<string, unknown>> | undefined): unknown {
  const [choice] = Array.isArray(raw?.choices) ? (raw.choices as readonly unknown[]) : []
  return (choice as { readonly logprobs?: unknown } | undefined)?.logprobs ?? null
}

function usageOf(outcomes: readonly Outcome[]): Readonly<Record<string, number>> {
  const input = outcomes.reduce((sum, { usage }) => sum + (usage?.inputTokens ?? 0), 0)
  const output = outcomes.reduce((sum, { usage }) => sum + (usage?.outputTokens ?? 0), 0)
  return { prompt_tokens: input, completion_tokens: output, total_tokens: input + output }
}
