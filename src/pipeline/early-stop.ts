/** Stops a held local draft that its gates can no longer accept, so that the frontier is asked sooner. */
import { type DraftProgress, rejectsEntropy, rejectsWritten } from '../gates/early.ts'
import { gatesFor } from '../gates/gates.ts'
import type { Verdict } from '../spec/decision.ts'
import { settlesDoubts } from '../spec/policy-patterns.ts'
import type { ModelEvent } from '../spec/ports.ts'
import type { Answer } from '../spec/response.ts'
import { gateInput } from './gate-input.ts'
import type { PipelineDeps, Run } from './run.ts'

/** Sees every event of a draft; the verdict that ends it, or null. */
export type EarlyStop = (event: ModelEvent, textSoFar: string) => Verdict | null

/** Reading everything written again takes a moment: not more often than this. */
const STEP_CHARS = 200

export interface HeldDraft {
  readonly run: Run
  readonly deps: PipelineDeps
  /** The answer's cap. */
  readonly maxTokens: number
}

/** @returns null where a draft is always written to its end: without a frontier to ask it may still be served */
export function earlyStop({ run, deps, maxTokens }: HeldDraft): EarlyStop | null {
  if (!run.decision.serve.includes('frontier') || run.decision.degraded) return null
  const gates = gatesFor(run.task, run.request)
  // Where a bound is asked for, a fitted threshold decides, and it may accept what the plain limit would not.
  const isBounded = run.task.accept.maxErrorRate !== undefined
  const isLimited = !isBounded && !settlesDoubts(run.task) && gates.some(({ name }) => name === 'entropy')
  const limitNats = isLimited ? run.task.gates.entropyNats : null
  let readTo = 0
  return (event, textSoFar) => {
    if (event.type === 'progress') return rejectsEntropy({ ...event, maxTokens } satisfies DraftProgress, limitNats)
    if (event.type !== 'text' || textSoFar.length - readTo < STEP_CHARS) return null
    readTo = textSoFar.length
    return rejectsWritten(gates, gateInput(run, deps, { answer: draftOf(textSoFar), option: null }))
  }
}

function draftOf(text: string): Answer {
  const usage = { inputTokens: 0, outputTokens: 0, source: 'estimated' } as const
  return { text, toolCalls: [], finishReason: 'stop', usage, signals: null, raw: null }
}
