/** One outcome as `ask --json` prints it, and the same for people. */
import type { Attempt, Verdict } from '../spec/decision.ts'
import type { DecideOutcome, Outcome } from '../spec/response.ts'

/** The object of `ask --json`; its keys are a contract. */
export interface OutcomeJson {
  readonly requestId: string
  readonly answer: string | null
  readonly decision: Outcome['decision']
  readonly verdicts: Outcome['verdicts']
  readonly signals?: NonNullable<Outcome['signals']>
  readonly usage: Outcome['usage']
  /** US dollars; null when unknown, never 0 for unknown. */
  readonly costUsd: number | null
  readonly latencyMs: number
  readonly attempts: Outcome['attempts']
  readonly wouldEscalateTo: Outcome['wouldEscalateTo']
  readonly approvalRequired: boolean
  readonly hardStops: Outcome['hardStops']
  readonly held?: NonNullable<Outcome['held']>
  readonly value?: string | null
  /** What a typed decision of an open kind found: places, scores, entities. */
  readonly reading?: NonNullable<DecideOutcome['reading']>
  readonly quality?: Quality
}

/** What `--quality-check` adds. */
export interface Quality {
  /** Probability of the chosen option, or the mean probability of the answer's tokens; null when no signal was read. */
  readonly confidence: number | null
  readonly issues: readonly string[]
}

export function outcomeJson(outcome: Outcome | DecideOutcome): OutcomeJson {
  return {
    requestId: outcome.requestId,
    answer: outcome.answer,
    decision: outcome.decision,
    verdicts: outcome.verdicts,
    ...(outcome.signals ? { signals: outcome.signals } : {}),
    usage: outcome.usage,
    costUsd: outcome.costUsd,
    latencyMs: outcome.latencyMs,
    attempts: outcome.attempts,
    wouldEscalateTo: outcome.wouldEscalateTo,
    approvalRequired: outcome.approvalRequired,
    hardStops: outcome.hardStops,
    ...(outcome.held ? { held: outcome.held } : {}),
    ...('value' in outcome ? { value: outcome.value } : {}),
    ...('reading' in outcome && outcome.reading ? { reading: outcome.reading } : {}),
  }
}

export function qualityOf(outcome: Outcome): Quality {
  const { signals } = outcome
  const best = signals?.options?.[0]?.probability
  const mean = signals?.meanLogprob
  return {
    confidence: best ?? (mean === null || mean === undefined ? null : Math.exp(mean)),
    issues: outcome.verdicts.filter((verdict) => !verdict.accepted).map(verdictText),
  }
}

/** `confidence rejected (confidence_low): probability 0.41 < 0.72` */
export function verdictText(verdict: Verdict): string {
  const opinion = verdict.accepted ? 'accepted' : `rejected (${verdict.reason ?? 'gate_error'})`
  return `${verdict.gate} ${opinion}${verdict.model ? ` for ${verdict.model}` : ''}: ${verdict.detail}`
}

/** `small (local_fast) answered in 212 ms, cost unknown` */
export function attemptText(attempt: Attempt): string {
  const purpose = PURPOSES[attempt.purpose]
  const error = attempt.error ? ` with ${attempt.error}` : ''
  return `${attempt.model} (${attempt.tier}) ${attempt.outcome}${error}${purpose} in ${milliseconds(attempt.latencyMs)}, cost ${dollars(attempt.costUsd)}`
}

const PURPOSES: Readonly<Record<Attempt['purpose'], string>> = {
  answer: '',
  shadow: ' in shadow',
  agreement: ' for agreement',
  judge: ' as judge',
  stop_check: ' for the stop check',
  retrieval: ' for passages',
  advice: ' with advice',
  verdict: ' with a verdict',
  span: ' about a span',
  vote: ' with a vote',
  digest: ' with a digest',
  summary: ' with a summary',
}

/** `local local_accepted · small · 212 ms · $0 · not proven` */
export function summaryText(outcome: Outcome): string {
  const { decision } = outcome
  return [
    `${decision.route} ${decision.reason}`,
    ...(decision.degraded ? ['degraded'] : []),
    decision.model ?? 'no model',
    milliseconds(outcome.latencyMs),
    dollars(outcome.costUsd),
    decision.proven ? 'proven' : 'not proven',
    outcome.requestId,
  ].join(' · ')
}

/** `would go to haiku: no key set` or an empty text */
export function escalationText(outcome: Outcome): string {
  return outcome.wouldEscalateTo ? `would go to ${outcome.wouldEscalateTo.model}: ${outcome.wouldEscalateTo.why}` : ''
}

export function milliseconds(value: number): string {
  return value < 10 ? `${value.toFixed(1)} ms` : `${Math.round(value)} ms`
}

/** Six digits after the point: one short answer of a small frontier model costs about a thousandth of a cent. */
export function dollars(value: number | null): string {
  if (value === null) return 'unknown'
  return value === 0 ? '$0' : `$${value.toFixed(6)}`
}
