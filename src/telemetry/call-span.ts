/** The span of one call of one model, local or frontier. */
import type { Attributes, Context } from '@opentelemetry/api'
import type { Attempt } from '../spec/decision.ts'
import { isPassedOn, onThisMachine, PROVIDER_URLS } from '../spec/destination.ts'
import type { TelemetryPolicy } from '../spec/policy.ts'
import type { CallBegun, CallSpan } from '../spec/tracing.ts'
import { type OpenApi, quietContext } from './api.ts'
import { callTexts } from './call-texts.ts'
import { GEN_AI, GENERAL, OWN, PROVIDERS } from './conventions.ts'
import { markFailed } from './span-failure.ts'
import { traceContextOf } from './trace-context.ts'

export function callSpan(
  open: OpenApi,
  policy: TelemetryPolicy,
  { begun, inside }: { readonly begun: CallBegun; readonly inside: Context },
): CallSpan {
  const { api, tracer } = open
  const kind = api.SpanKind.CLIENT
  const name = `${operationOf(begun)} ${begun.model.policy.model}`
  const span = tracer.startSpan(name, { kind, attributes: requestAttributes(begun) }, inside)
  return {
    handedOn: mayLearn(begun, policy) ? traceContextOf(span.spanContext()) : undefined,
    within: (call) => api.context.with(quietContext(api, span, inside), call),
    texts: keepsTexts(begun, policy) && span.isRecording() ? callTexts(span) : null,
    ended: (attempt, responseId) => {
      if (span.isRecording()) span.setAttributes(answerAttributes(begun, attempt, responseId))
      if (attempt.error !== null) markFailed(open, span, attempt.error)
      span.end()
    },
  }
}

/** The embedded engine is reached through a socket file and reads no headers. A frontier at an address of this machine only passes requests on. */
function mayLearn(begun: CallBegun, { handOn }: TelemetryPolicy): boolean {
  if (handOn === 'nowhere' || begun.model.policy.provider === 'embedded') return false
  if (handOn === 'everywhere') return true
  return begun.actor === 'local' && onThisMachine(addressOf(begun)) && !isPassedOn(begun.model.policy.model)
}

/** Only what went through the egress is masked. */
function keepsTexts({ actor, features }: CallBegun, { content }: TelemetryPolicy): boolean {
  return content === 'sent' && actor === 'frontier' && features.partition !== 'local_only'
}

function operationOf({ request }: CallBegun): 'chat' | 'embeddings' | 'text_completion' {
  if (request.embed) return 'embeddings'
  return request.completion ? 'text_completion' : 'chat'
}

/** Sequences that stop an answer are the caller's own text, and stay out. */
function requestAttributes(begun: CallBegun): Attributes {
  const { model, request, features, lane, actor, purpose, isStreamed } = begun
  const { maxOutputTokens = model.policy.maxOutputTokens, temperature, topP, seed, metadata } = request
  const isEmbedding = request.embed !== undefined
  return {
    [GEN_AI.operation]: operationOf(begun),
    [GEN_AI.provider]: providerOf(begun),
    [GEN_AI.requestModel]: model.policy.model,
    ...serverOf(addressOf(begun)),
    ...(!isEmbedding && { [GEN_AI.maxTokens]: maxOutputTokens }),
    ...(!isEmbedding && { [GEN_AI.outputType]: request.responseSchema ? 'json' : 'text' }),
    ...(isStreamed && { [GEN_AI.stream]: true }),
    ...(temperature !== undefined && { [GEN_AI.temperature]: temperature }),
    ...(topP !== undefined && { [GEN_AI.topP]: topP }),
    ...(seed !== undefined && { [GEN_AI.seed]: seed }),
    // Without a name of its own a conversation is known by its first message, and a hash of a short text can be guessed.
    ...(metadata?.conversation !== undefined && { [GEN_AI.conversation]: features.conversationHash }),
    [OWN.model]: model.name,
    [OWN.tier]: model.policy.tier,
    [OWN.actor]: actor,
    [OWN.purpose]: purpose,
    ...(lane !== undefined && { [OWN.lane]: lane }),
  }
}

function answerAttributes({ isStreamed }: CallBegun, attempt: Attempt, responseId: string | null): Attributes {
  const { usage, servedBy, finishReason, firstTokenMs, costUsd } = attempt
  return {
    ...(servedBy && { [GEN_AI.responseModel]: servedBy }),
    ...(responseId !== null && { [GEN_AI.responseId]: responseId }),
    ...(finishReason && { [GEN_AI.finishReasons]: [finishReason] }),
    ...(isStreamed && firstTokenMs !== null && { [GEN_AI.firstChunk]: firstTokenMs / 1000 }),
    ...(usage && {
      [GEN_AI.inputTokens]: usage.inputTokens,
      [GEN_AI.outputTokens]: usage.outputTokens,
      [OWN.usageSource]: usage.source,
    }),
    ...(usage?.cachedInputTokens !== undefined && { [GEN_AI.cacheRead]: usage.cachedInputTokens }),
    ...(usage?.cacheWriteTokens !== undefined && { [GEN_AI.cacheWrite]: usage.cacheWriteTokens }),
    ...(usage?.reasoningTokens !== undefined && { [GEN_AI.reasoning]: usage.reasoningTokens }),
    ...(costUsd !== null && { [OWN.costUsd]: costUsd }),
  }
}

function providerOf({ model }: CallBegun): string {
  const { provider, sdk } = model.policy
  return PROVIDERS[sdk?.package ?? provider] ?? sdk?.package ?? provider
}

function addressOf({ baseUrl, model }: CallBegun): string | undefined {
  const { provider } = model.policy
  return baseUrl ?? (provider in PROVIDER_URLS ? PROVIDER_URLS[provider as keyof typeof PROVIDER_URLS] : undefined)
}

function serverOf(address: string | undefined): Attributes {
  if (address === undefined || !URL.canParse(address)) return {}
  const { hostname, port, protocol } = new URL(address)
  const usual = protocol === 'http:' ? 80 : 443
  return { [GENERAL.serverAddress]: hostname, [GENERAL.serverPort]: port === '' ? usual : Number(port) }
}
