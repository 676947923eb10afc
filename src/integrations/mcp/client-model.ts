/** The model of the program that runs us: asked by `sampling/createMessage`, over the connection that it opened. */
import type { CreateMessageRequestParamsBase, SamplingMessage } from '@modelcontextprotocol/sdk/types.js'
import type { FinishReason, Usage } from '../../spec/decision.ts'
import { RouterError } from '../../spec/errors.ts'
import type { CallLimits, ClientModel, ModelCall, ModelEvent, ModelPort } from '../../spec/ports.ts'
import { type Message, messageText } from '../../spec/request.ts'
import type { McpServer } from './server.ts'

/**
 * For models of provider `mcp-client`. They are frontiers: who asks them has come through the egress door.
 *
 * @param server may be asked once its client is connected and has said that it samples
 */
export function clientModelOf(server: McpServer): ClientModel {
  return {
    obstacle: () => {
      const client = server.getClientCapabilities()
      if (client?.sampling) return null
      const why = client ? 'the MCP client offers no sampling' : 'no MCP client is connected'
      return { reason: 'frontier_down', why }
    },
    open: (model) => clientPort(server, model),
  }
}

type ClientModelSettings = Parameters<ClientModel['open']>[0]

function clientPort(server: McpServer, model: ClientModelSettings): ModelPort {
  return {
    name: model.name,
    streams: () => false,
    generate: (call, limits) => sampled(server, { model, call, limits }),
    close: () => Promise.resolve(),
  }
}

interface Sampling {
  readonly model: ClientModelSettings
  readonly call: ModelCall
  readonly limits: CallLimits
}

/** A person may have to agree first, so no deadline but the whole one holds. */
async function* sampled(server: McpServer, { model, call, limits }: Sampling): AsyncGenerator<ModelEvent> {
  const { signal, deadlines } = limits
  const answer = await server
    .createMessage(paramsOf(call, model), { signal, timeout: deadlines.totalMs })
    .catch((error: unknown) => {
      throw failureOf(error, { model: model.name, signal, timeoutMs: deadlines.totalMs })
    })
  if (answer.content.type !== 'text') {
    const problem = `its client answered with ${answer.content.type}, not with text`
    throw new RouterError('model_malformed', { model: model.name, problem })
  }
  const { text } = answer.content
  yield { type: 'text', delta: text }
  yield {
    type: 'finish',
    finishReason: FINISH[answer.stopReason ?? ''] ?? 'stop',
    usage: usageOf(call, text),
    signals: null,
    identity: { digest: null, quantisation: null, servedBy: answer.model.slice(0, 200) },
    raw: null,
  }
}

const FINISH: Readonly<Record<string, FinishReason>> = { maxTokens: 'length' }

/** @throws RouterError request_invalid: sampling carries texts of two speakers, and nothing else */
function paramsOf(call: ModelCall, { hint, maxOutputTokens }: ClientModelSettings): CreateMessageRequestParamsBase {
  if (call.tools && call.tools.length > 0) throw notCarried('tools')
  if (call.embed) throw notCarried('embed')
  const { temperature, stop } = call
  const said = call.messages.filter(({ role }) => !INSTRUCTIONS.has(role))
  const system = [
    ...call.messages.filter(({ role }) => INSTRUCTIONS.has(role)).map(textOf),
    ...(call.responseSchema ? [jsonRule(call.responseSchema)] : []),
  ].join('\n\n')
  return {
    messages: said.map(messageOf),
    maxTokens: Math.min(call.maxOutputTokens ?? maxOutputTokens, maxOutputTokens),
    modelPreferences: { hints: [{ name: hint }] },
    includeContext: 'none',
    ...(system !== '' && { systemPrompt: system }),
    ...(temperature !== undefined && { temperature }),
    ...(stop && { stopSequences: [...stop] }),
  }
}

const INSTRUCTIONS: ReadonlySet<Message['role']> = new Set(['system', 'developer'])

function messageOf(message: Message): SamplingMessage {
  const { role } = message
  if ((role !== 'user' && role !== 'assistant') || message.toolCalls) throw notCarried(`messages of role ${role}`)
  return { role, content: { type: 'text', text: textOf(message) } }
}

function textOf(message: Message): string {
  const { content } = message
  if (typeof content !== 'string' && content.some(({ type }) => type !== 'text')) throw notCarried('images and files')
  return messageText(message)
}

function notCarried(what: string): RouterError {
  return new RouterError('request_invalid', {
    path: what,
    problem: 'sampling of an MCP client carries plain texts only',
    fix: 'Leave it out, or set a provider key.',
  })
}

function jsonRule(schema: NonNullable<ModelCall['responseSchema']>): string {
  const form = schema === 'json' ? '' : ` that satisfies this JSON Schema: ${JSON.stringify(schema)}`
  return `Answer with one JSON value${form}. No other text.`
}

/** Clients tell no counts: four characters a token, as for other models that tell none. */
function usageOf({ messages }: ModelCall, answer: string): Usage {
  const asked = messages.reduce((sum, message) => sum + messageText(message).length, 0)
  const inputTokens = Math.max(1, Math.ceil(asked / 4))
  return { inputTokens, outputTokens: Math.ceil(answer.length / 4), source: 'estimated' }
}

interface Failed {
  readonly model: string
  readonly signal: AbortSignal
  readonly timeoutMs: number
}

const REQUEST_TIMEOUT = -32001
/** The code of the protocol for a person who did not agree. */
const REJECTED = -1

function failureOf(error: unknown, { model, signal, timeoutMs }: Failed): RouterError {
  if (signal.aborted) return cancellation(signal)
  const { code } = (error ?? {}) as { readonly code?: unknown }
  // Who said no once is not asked again.
  if (code === REJECTED) {
    const problem = 'its user did not agree that its model is asked'
    return new RouterError('destination_refused', {
      host: 'the MCP client',
      problem,
      fix: 'Agree there, or set a key.',
    })
  }
  if (code === REQUEST_TIMEOUT)
    return new RouterError('model_timeout', { model, phase: 'complete answer', timeoutMs, tier: 'frontier' }, error)
  // What the client says may repeat the request, so it is not passed on.
  const problem = `its MCP client refused or failed${typeof code === 'number' ? ` (code ${code})` : ''}`
  const fix = 'Allow sampling in the client, or set a provider key.'
  return new RouterError('model_failed', { model, problem, fix }, error)
}

function cancellation({ reason }: AbortSignal): RouterError {
  return reason instanceof RouterError ? reason : new RouterError('cancelled', { requestId: 'of this call' }, reason)
}
