/**
 * Answers a tool server that asks for a model (`sampling/createMessage`) through a router. What the server says is text of a stranger: it
 * chooses no model and no task, brings no tools, and a person agrees to every request.
 */
import { z } from 'zod'
import { RouterError, toRouterError } from '../../spec/errors.ts'
import type { LoadedPolicy, Policy } from '../../spec/policy.ts'
import { REASON_TEXTS } from '../../spec/reason-texts.ts'
import type { Message } from '../../spec/request.ts'
import type { Outcome } from '../../spec/response.ts'
import type { Router } from '../../spec/router.ts'

/** What a person is asked to agree to: all that a model would be told. */
export interface SamplingRequest {
  /** Name of the tool server, as its operator calls it. */
  readonly server: string
  /** What the server wants as instructions; null when it wants none. A model reads it as words of a user. */
  readonly systemPrompt: string | null
  readonly messages: readonly { readonly role: 'user' | 'assistant'; readonly text: string }[]
  readonly maxOutputTokens: number
}

export interface SamplingSettings {
  readonly router: Router
  /** Whose `mcp.sampling` holds. */
  readonly policy: Pick<LoadedPolicy, 'policy' | 'file'>
  /** Name of the tool server, 1 to 100 characters; stands in the audit as `user: mcp:<name>`. */
  readonly server: string
  /** Asked before every request; anything but true refuses it. */
  readonly approve: (request: SamplingRequest, signal: AbortSignal) => Promise<boolean>
}

/** Of the protocol. */
export interface SamplingResult extends Readonly<Record<string, unknown>> {
  readonly role: 'assistant'
  readonly content: { readonly type: 'text'; readonly text: string }
  readonly model: string
  readonly stopReason: string
}

/** An error of JSON-RPC: `code` and `data` go to the server as they are, and hold no text of the request. */
export class SamplingError extends Error {
  readonly code: number
  readonly data: { readonly code: string; readonly fix: string }

  constructor(code: number, failure: { readonly code: string; readonly message: string; readonly fix: string }) {
    super(failure.message)
    this.code = code
    this.data = { code: failure.code, fix: failure.fix }
  }
}

/**
 * @returns a handler for the parameters of `sampling/createMessage`, such as `Client.setRequestHandler` of the MCP SDK takes. It throws
 * SamplingError: off in the policy, not approved, more than plain texts, too long, held, or failed
 */
export function answerSampling(
  settings: SamplingSettings,
): (params: unknown, options?: { readonly signal?: AbortSignal }) => Promise<SamplingResult> {
  const { policy, file } = settings.policy
  const { sampling } = policy.mcp
  return async (params, { signal = new AbortController().signal } = {}) => {
    if (!sampling.enabled) throw switchedOff(file)
    const asked = readParams(params, sampling)
    const request = { server: settings.server, ...asked.told }
    if ((await approved(settings, request, signal)) !== true) throw notApproved()
    try {
      const user = `mcp:${settings.server.slice(0, MAX_NAME_CHARS)}`
      const { partition, task } = sampling
      const outcome = await settings.router.complete(
        {
          messages: messagesOf(request),
          metadata: { user, partition, ...(task !== undefined && { task }) },
          maxOutputTokens: request.maxOutputTokens,
          ...asked.style,
        },
        { signal },
      )
      return resultOf(outcome)
    } catch (error) {
      throw error instanceof SamplingError ? error : new SamplingError(INTERNAL, toRouterError(error))
    }
  }
}

const MAX_NAME_CHARS = 100
/** Codes of JSON-RPC, and of the protocol for a person who does not agree. */
const REJECTED = -1
const INVALID = -32_602
const INTERNAL = -32_603

const block = z.looseObject({ type: z.string(), text: z.string().optional() })

const paramsSchema = z.looseObject({
  messages: z
    .array(z.looseObject({ role: z.enum(['user', 'assistant']), content: z.union([block, z.array(block).min(1)]) }))
    .min(1)
    .max(200),
  systemPrompt: z.string().optional(),
  maxTokens: z.number().int().min(1),
  temperature: z.number().min(0).max(2).optional(),
  stopSequences: z.array(z.string().min(1).max(200)).max(8).optional(),
  tools: z.array(z.unknown()).optional(),
})

type Limits = Pick<Policy['mcp']['sampling'], 'maxInputChars' | 'maxOutputTokens'>

/** Hints for a model, wishes for context of other servers and metadata are not even looked at. */
function readParams(params: unknown, limits: Limits) {
  const read = paramsSchema.safeParse(params)
  if (!read.success) {
    const [issue] = read.error.issues
    throw invalid(issue?.path.map(String).join('.') || 'params', issue?.message ?? 'it cannot be read')
  }
  const { messages, systemPrompt, maxTokens, temperature, stopSequences, tools = [] } = read.data
  if (tools.length > 0) throw invalid('tools', 'no tools are given to a model that a tool server asks')
  const texts = messages.map(({ role, content }, index) => ({ role, text: textOf(content, index) }))
  const chars = texts.reduce((sum, { text }) => sum + text.length, systemPrompt?.length ?? 0)
  if (chars > limits.maxInputChars)
    throw invalid('messages', `they have ${chars} characters, the policy allows ${limits.maxInputChars}`)
  return {
    told: {
      systemPrompt: systemPrompt?.trim() ? systemPrompt : null,
      messages: texts,
      maxOutputTokens: Math.min(maxTokens, limits.maxOutputTokens),
    },
    style: { ...(temperature !== undefined && { temperature }), ...(stopSequences && { stop: stopSequences }) },
  }
}

type Block = z.output<typeof block>

function textOf(content: Block | readonly Block[], index: number): string {
  const blocks = Array.isArray(content) ? (content as readonly Block[]) : [content as Block]
  return blocks
    .map(({ type, text }) => {
      if (type === 'text' && text !== undefined) return text
      throw invalid(`messages[${index}].content`, `only text is passed on, and this is ${type.slice(0, 40)}`)
    })
    .join('\n')
}

async function approved(
  { approve }: SamplingSettings,
  request: SamplingRequest,
  signal: AbortSignal,
): Promise<unknown> {
  try {
    return await approve(request, signal)
  } catch {
    return false
  }
}

/** The server's instructions are words of a stranger: as a user's they are looked through for hard stops in full. */
function messagesOf({ systemPrompt, messages }: SamplingRequest): readonly Message[] {
  const said = messages.map(({ role, text }) => ({ role, content: text }))
  return systemPrompt === null ? said : [{ role: 'user', content: systemPrompt }, ...said]
}

function resultOf({ answer, decision, finishReason, stopSequence, requestId }: Outcome): SamplingResult {
  if (answer === null) {
    const reason = REASON_TEXTS[decision.reason].replace(/\.$/, '')
    throw new RouterError('held_for_human', { requestId, reason, fix: 'Ask a person.' })
  }
  const ended = stopSequence === undefined ? 'endTurn' : 'stopSequence'
  return {
    role: 'assistant',
    content: { type: 'text', text: answer },
    model: decision.model ?? `spillway-${decision.route}`,
    stopReason: finishReason === 'length' ? 'maxTokens' : ended,
  }
}

function switchedOff(file: string): SamplingError {
  const message = `Sampling is off in the policy ${file}.`
  return new SamplingError(REJECTED, { code: 'forbidden', message, fix: 'Set mcp.sampling.enabled: true there.' })
}

function notApproved(): SamplingError {
  const message = 'The user did not agree to this request.'
  return new SamplingError(REJECTED, { code: 'not_approved', message, fix: 'Do without a model.' })
}

function invalid(path: string, problem: string): SamplingError {
  const error = new RouterError('request_invalid', { path, problem, fix: 'Send plain texts, and fewer of them.' })
  return new SamplingError(INVALID, error)
}
