/** What can be said of a draft while it is still being written. Ends a hopeless one; never accepts anything. */
import type { Verdict } from '../spec/decision.ts'
import type { Progress } from '../spec/ports.ts'
import { type GateInput, type GateName, reject } from './gate.ts'
import { firstRejection, type NamedGate, runGates } from './gates.ts'

/** How far a draft is, as the model reports it. */
export interface DraftProgress extends Progress {
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
const FINAL: ReadonlySet<GateName> = new Set(['answer_hard_stop', 'safety_class', 'refusal', 'repetition'])

function completeSentences(text: string): string {
  const end = Math.max(text.lastIndexOf('\n'), ...['. ', '! ', '? '].map((mark) => text.lastIndexOf(mark)))
  return end < 0 ? '' : text.slice(0, end + 1)
}

/**
 * Rejects when the entropy gate can hardly accept any more: either even perfectly sure tokens up to the cap would leave
 * the mean above the limit, or after `SETTLED_TOKENS` its upper bound, which the gate judges at the end, is at least `HOPELESS`
 * times the limit.
 */
export function rejectsEntropy(progress: DraftProgress, limitNats: number | null): Verdict | null {
  const { tokens, entropyLowNats, entropyHighNats, maxTokens } = progress
  if (limitNats === null || entropyLowNats === null || entropyHighNats === null) return null
  const atBest = (entropyLowNats * tokens) / Math.max(tokens, maxTokens)
  const hopeless = tokens >= SETTLED_TOKENS && entropyHighNats >= HOPELESS * limitNats
  if (atBest <= limitNats && !hopeless) return null
  return reject('entropy', {
    reason: 'entropy_high',
    detail: `Mean token entropy is between ${entropyLowNats.toFixed(3)} and ${entropyHighNats.toFixed(3)} nats after ${tokens} tokens, limit ${limitNats}.`,
    score: entropyHighNats,
    threshold: limitNats,
  })
}

/** Answers open unsurely and settle: before this many tokens a high mean says little. */
const SETTLED_TOKENS = 32
/** Measured by `npm run bench:early`. */
const HOPELESS = 3
