/** Outcomes in the shapes of the OpenAI chat API. */

import { ticketValues } from '../pipeline/hold.ts'
import { heldUrl } from '../pipeline/notices.ts'
import { jsonWith } from '../spec/body-text.ts'
import type { Usage } from '../spec/decision.ts'
import { RouterError } from '../spec/errors.ts'
import type { Outcome } from '../spec/response.ts'

/** What every answer carries beside the protocol: who answered, why, and what it cost. */
export function spillwayField(outcome: Outcome): Readonly<Record<string, unknown>> {
  const { requestId, decision, costUsd, attempts, latencyMs, verdicts, wouldEscalateTo, approvalRequired } = outcome
  const { unasked, corrections, held } = outcome
  const known = { requestId, ...decision, costUsd, attempts, latencyMs, verdicts, wouldEscalateTo, approvalRequired }
  return { ...known, ...(unasked && { unasked }), ...(corrections && { corrections }), ...(held && { held }) }
}

/** A whole answer as JSON text; an upstream's own body is returned as it came, with the decision added. */
export function completionJson(outcome: Outcome, createdS: number): string {
  const spillway = spillwayField(outcome)
  if (outcome.raw?.dialect === 'openai_chat') return jsonWith(outcome.raw.body, 'spillway', spillway)
  const toolCalls = outcome.toolCalls.map(({ id, name, arguments: text, isCustom }) =>
    isCustom
      ? { id, type: 'custom', custom: { name, input: text } }
      : { id, type: 'function', function: { name, arguments: text } },
  )
  const message = {
    role: 'assistant',
    content: toolCalls.length > 0 ? outcome.answer || null : outcome.answer,
    refusal: null,
    ...(toolCalls.length > 0 && { tool_calls: toolCalls }),
  }
  return JSON.stringify({
    id: `chatcmpl-${outcome.requestId}`,
    object: 'chat.completion',
    created: createdS,
    model: answeredBy(outcome),
    choices: [{ index: 0, message, logprobs: null, finish_reason: outcome.finishReason ?? 'stop' }],
    usage: wireUsage(outcome.usage),
    spillway,
  })
}

export interface Delta {
  readonly role?: 'assistant'
  readonly content?: string
  readonly tool_calls?: readonly unknown[]
}

/** What all pieces of one stream share. */
export interface ChunkBase {
  readonly id: string
  readonly model: string
  /** Seconds since 1970. */
  readonly created: number
}

/** One piece of a streamed answer. */
export function chunkBody(
  base: ChunkBase,
  piece: {
    readonly delta?: Delta
    readonly finishReason?: string
    readonly usage?: Usage | null
    readonly spillway?: unknown
  },
): Readonly<Record<string, unknown>> {
  const choices =
    piece.delta || piece.finishReason
      ? [{ index: 0, delta: piece.delta ?? {}, logprobs: null, finish_reason: piece.finishReason ?? null }]
      : []
  return {
    id: base.id,
    object: 'chat.completion.chunk',
    created: base.created,
    model: base.model,
    choices,
    ...(piece.usage !== undefined && { usage: wireUsage(piece.usage) }),
    ...(piece.spillway !== undefined && { spillway: piece.spillway }),
  }
}

/** The model that answered, or the exact tool that did. */
export function answeredBy(outcome: Pick<Outcome, 'decision'>): string {
  return outcome.decision.model ?? outcome.decision.route
}

/** A solver uses no tokens; nothing else may claim that. */
function wireUsage(usage: Usage | null): Readonly<Record<string, unknown>> {
  const input = usage?.inputTokens ?? 0
  const output = usage?.outputTokens ?? 0
  return {
    prompt_tokens: input,
    completion_tokens: output,
    total_tokens: input + output,
    ...(usage?.cachedInputTokens !== undefined && {
      prompt_tokens_details: {
        cached_tokens: usage.cachedInputTokens,
        ...(usage.cacheWriteTokens !== undefined && { cache_write_tokens: usage.cacheWriteTokens }),
      },
    }),
    ...(usage?.reasoningTokens !== undefined && {
      completion_tokens_details: { reasoning_tokens: usage.reasoningTokens },
    }),
  }
}

/** On the wire a held request is an answer that will not come: 409, with the way to go on. */
export function answered(outcome: Outcome): Outcome {
  const { decision, requestId, held } = outcome
  if (decision.route !== 'held') return outcome
  const ticket = held ? ticketValues(held) : {}
  if (decision.reason === 'privacy_local_only')
    throw new RouterError('privacy_local_only', {
      requestId,
      why: whyNotLocal(outcome),
      ...ticket,
    })
  const wanted = outcome.wouldEscalateTo
  const byHand = held
    ? `Ask for its answer at ${heldUrl(held.id)}; \`spillway review held\` decides on it`
    : 'Answer it by hand'
  const fix = wanted
    ? `${byHand}, or make ${wanted.model} usable (${wanted.why}).`
    : `${byHand}; \`spillway why\` shows the trace.`
  throw new RouterError('held_for_human', { requestId, reason: decision.reason, fix, ...ticket })
}

/** The sentence of the first rule that took the local models out; without one a gate rejected what they wrote. */
function whyNotLocal({ removals, verdicts }: Outcome): string {
  const rule = removals.find(({ set, actor }) => set === 'serve' && actor === 'local')
  const gate = verdicts.find(({ accepted }) => !accepted)
  const why = rule?.detail ?? gate?.detail ?? 'none can be used now'
  return why.replace(/\.$/, '')
}
