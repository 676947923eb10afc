/** What can be said of a draft while it is still being written. Ends a hopeless one; never accepts anything. */
import type { Verdict } from '../spec/decision.ts'
import { type GateInput, type GateName, reject } from './gate.ts'
import { firstRejection, type NamedGate, runGates } from './gates.ts'

/** How far a draft is, as the model reports it. */
export interface DraftProgress {
  readonly tokens: number
  /** Mean lower bound of the next-token entropy over these tokens (nats); null when it is not known. */
  readonly entropyLowNats: number | null
  /** The answer's cap, in tokens. */
  readonly maxTokens: number
}

/**
 * The first gate that rejects what is written so far, whatever may follow; null when none does. Only the sentences that
 * are complete count: "I cannot help" may still become "I cannot help but admire".
 *
 * A wrong stop costs an escalation and never a wrong answer, so this needs no bound.
 */
export function rejectsWritten(gates: readonly NamedGate[], input: GateInput): Verdict | null {
  const text = completeSentences(input.answer.text)
  if (text === '') return null
  const final = gates.filter(({ name }) => FINAL.has(name))
  return firstRejection(runGates(final, { ...input, answer: { ...input.answer, text } }))
}

/** Gates whose rejection no further text takes back. */
const FINAL: ReadonlySet<GateName> = new Set(['answer_hard_stop', 'safety_class', 'refusal', 'repetition', 'equations'])

function completeSentences(text: string): string {
  const end = Math.max(text.lastIndexOf('\n'), ...['. ', '! ', '? '].map((mark) => text.lastIndexOf(mark)))
  return end < 0 ? '' : text.slice(0, end + 1)
}

/**
 * Rejects when the entropy gate can hardly accept any more: either even perfectly sure tokens up to the cap would leave
 * the mean above the limit, or after `SETTLED_TOKENS` the lower bound is at least `HOPELESS` times the limit.
 */
export function rejectsEntropy(progress: DraftProgress, limitNats: number | null): Verdict | null {
  const { tokens, entropyLowNats, maxTokens } = progress
  if (limitNats === null || entropyLowNats === null) return null
  const atBest = (entropyLowNats * tokens) / Math.max(tokens, maxTokens)
  const hopeless = tokens >= SETTLED_TOKENS && entropyLowNats >= HOPELESS * limitNats
  if (atBest <= limitNats && !hopeless) return null
  return reject('entropy', {
    reason: 'entropy_high',
    detail: `Mean token entropy is at least ${entropyLowNats.toFixed(3)} nats after ${tokens} tokens, limit ${limitNats}.`,
    score: entropyLowNats,
    threshold: limitNats,
  })
}

/** Answers open unsurely and settle: before this many tokens a high mean says little. */
const SETTLED_TOKENS = 32
/** Measured by `npm run bench:early`. */
const HOPELESS = 1.5
