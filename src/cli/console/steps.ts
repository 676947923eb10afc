/** The path of a request in time, as far as its record tells. Pure. */
import type { AuditRecord } from '../../spec/audit.ts'
import type { Attempt } from '../../spec/decision.ts'

export interface TimedStep {
  readonly name: 'classify' | 'decide' | 'attempt' | 'gate' | 'escalate' | 'answer' | 'shadow' | 'settle'
  /** What happened, in a few words. */
  readonly label: string
  readonly detail: string
  /** Milliseconds from the arrival; null where the record does not say. */
  readonly startMs: number | null
  readonly durationMs: number | null
  readonly isBad: boolean
}

/**
 * Calls stand in the order in which they were written down before they were made, with that moment; a record without those lays them end
 * to end. Gates and rules took no time that anybody measured, and have none here.
 */
export function stepsOf(record: AuditRecord): readonly TimedStep[] {
  const { features, decision, removals, route, reason, latencyMs, settledAt } = record
  const plain = { startMs: null, durationMs: null, isBad: false }
  return [
    {
      ...plain,
      name: 'classify',
      label: record.task,
      detail: `${features.kind}, ${features.complexity}, ${features.partition}, ${features.inputTokensEstimated} tokens`,
      startMs: 0,
    },
    {
      ...plain,
      name: 'decide',
      label: decision?.pattern ?? route,
      detail: removals.length === 0 ? 'no rule removed anybody' : `${removals.length} removals by rules`,
    },
    ...attemptSteps(record),
    {
      ...plain,
      name: 'settle',
      label: record.outcome,
      detail: reason,
      startMs: latencyMs,
      durationMs: settledAt === null ? null : 0,
      isBad: record.outcome === 'error' || record.outcome === 'interrupted',
    },
    ...(record.shadow ? [attemptStep(record.shadow.attempt, { name: 'shadow', startMs: null })] : []),
  ]
}

function attemptSteps(record: AuditRecord): readonly TimedStep[] {
  const began = startsOf(record)
  let checked = false
  return record.attempts.flatMap((attempt, at) => {
    const isAnswer = attempt.purpose === 'answer'
    const name = !isAnswer || attempt.actor === 'local' ? 'attempt' : at === 0 ? 'answer' : 'escalate'
    const step = attemptStep(attempt, { name, startMs: began[at] ?? null })
    // The gates looked at the first local answer before anybody else was asked.
    if (checked || attempt.actor !== 'local' || !isAnswer) return [step]
    checked = true
    return [step, ...gateSteps(record)]
  })
}

function gateSteps({ verdicts }: AuditRecord): readonly TimedStep[] {
  return verdicts.map(({ gate, accepted, reason, detail }) => ({
    name: 'gate',
    label: gate,
    detail: accepted ? detail || 'accepted' : `${reason ?? 'rejected'}: ${detail}`,
    startMs: null,
    durationMs: null,
    isBad: !accepted,
  }))
}

function attemptStep(
  { model, purpose, outcome, error, latencyMs }: Attempt,
  { name, startMs }: Pick<TimedStep, 'name' | 'startMs'>,
): TimedStep {
  return {
    name,
    label: model,
    detail: outcome === 'answered' ? purpose : `${purpose}, ${outcome}${error ? ` (${error})` : ''}`,
    startMs,
    durationMs: latencyMs,
    isBad: outcome === 'failed',
  }
}

/** When each call began. Calls that were not made, for example to a model at rest, stand in no list of calls. */
function startsOf({ attempts, calls, receivedAt }: AuditRecord): readonly number[] {
  const received = Date.parse(receivedAt)
  const left = [...calls]
  let end = 0
  return attempts.map(({ model, latencyMs }) => {
    const own = left.findIndex((call) => call.model === model)
    const [call] = own === -1 ? [] : left.splice(own, 1)
    const start = call ? Math.max(0, Date.parse(call.at) - received) : end
    end = start + latencyMs
    return start
  })
}
