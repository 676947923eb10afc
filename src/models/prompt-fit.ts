/** Whether a prompt reached a model whole, on a server that may drop its beginning without a word. Pure. */
import { RouterError } from '../spec/errors.ts'
import type { ModelCall, ModelEvent } from '../spec/ports.ts'
import { promptTokens } from './token-bounds.ts'

export interface FitSettings {
  /** Name of the model in the policy. */
  readonly name: string
  readonly contextTokens: number
}

/** @throws RouterError request_invalid when the prompt cannot fit, however its text becomes tokens */
export function requireFit(call: ModelCall, { name, contextTokens }: FitSettings): void {
  const { least } = promptTokens(call)
  if (least < contextTokens) return
  throw tooLong(
    name,
    `the prompt has at least ${least} tokens and the context of model ${name} holds ${contextTokens}, the answer included`,
  )
}

/**
 * Compares the server's count of the prompt with what was sent.
 *
 * Ollama drops messages, and of a prompt that is still too long it keeps half a window, or fills the window; then it reports
 * the tokens that were left. So a count is suspicious when the prompt may have been longer than the window and the count
 * is a full window, half a window, or less than the text can have; so is a missing one.
 *
 * @param finish its `usage` is what the server reported
 * @returns the same event
 * @throws RouterError request_invalid
 */
export function requireUncut<T extends ModelEvent>(finish: T, call: ModelCall, settings: FitSettings): T {
  if (finish.type !== 'finish') return finish
  const { name, contextTokens } = settings
  const { usage } = finish
  const { least, likely, most } = promptTokens(call)
  const isCounted = usage.source === 'reported'
  if (isCounted && usage.inputTokens + usage.outputTokens > contextTokens)
    throw tooLong(
      name,
      `prompt and answer have ${usage.inputTokens + usage.outputTokens} tokens, so the server dropped a part of the ${contextTokens} that model ${name} was asked to hold`,
    )
  const mayOverflow = most >= contextTokens && likely * DENSEST >= contextTokens
  if (!mayOverflow) return finish
  if (!isCounted) {
    if (likely * SPARSEST < contextTokens) return finish
    throw tooLong(
      name,
      `the server did not say how much of the prompt it read, and it may not fit the ${contextTokens} tokens of model ${name}`,
    )
  }
  const { inputTokens } = usage
  const isHalf = Math.abs(inputTokens - contextTokens / 2) <= HALF_SLACK
  if (inputTokens < contextTokens - 1 && !isHalf && inputTokens >= least) return finish
  throw tooLong(
    name,
    `the server read ${inputTokens} tokens of a prompt of about ${Math.round(likely)}, and the context of model ${name} holds ${contextTokens}`,
  )
}

/** Dense text (hexadecimal, minified code) has two characters a token: twice what is likely. */
const DENSEST = 2

/** Plain English on a large vocabulary has nearly five characters a token. */
const SPARSEST = 1.1

/** Ollama keeps `num_keep` tokens (4 or 5) and half of the rest: num_ctx / 2 + 2 was seen with 0.33. */
const HALF_SLACK = 4

function tooLong(name: string, problem: string): RouterError {
  return new RouterError('request_invalid', {
    path: 'messages',
    problem,
    fix: `Send less text, or raise models.${name}.contextTokens in the policy.`,
  })
}
