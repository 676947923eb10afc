/** Records as a few weeks of traffic leave them, written straight into the audit database: for pages that need a past. */
import { draftFigures } from '../../src/learn/draft-figures.ts'
import type { AuditRecord } from '../../src/spec/audit.ts'
import type { Reason, Verdict } from '../../src/spec/decision.ts'
import { auditPaths } from '../../src/stores/audit-log.ts'
import { openAuditDatabase } from '../../src/stores/sqlite.ts'
import { attempt } from './attempt.ts'
import { auditRecord } from './audit-record.ts'

export interface HistorySettings {
  readonly stateDir: string
  readonly rows: number
  /** Milliseconds that they are spread over, up to `untilMs`. */
  readonly spanMs: number
  readonly untilMs: number
  /** Names of models and tasks, where a page shall show others. */
  readonly named?: { readonly model?: string; readonly tasks?: readonly string[]; readonly tenants?: readonly string[] }
}

const BATCH = 1000
const IDENTITY = { digest: `sha256:${'a'.repeat(64)}`, quantisation: 'Q4_1', servedBy: 'smollm2-135m-instruct' }

/** A number from 0 to 1 that depends on the place alone: every run writes the same. */
function drawn(at: number, salt: number): number {
  const mixed = Math.imul(at + 1, 2_654_435_761) ^ Math.imul(salt + 1, 40_503)
  const more = Math.imul(mixed ^ (mixed >>> 15), 2_246_822_519)
  return ((more ^ (more >>> 13)) >>> 0) / 2 ** 32
}

export function writeHistory({ stateDir, rows, spanMs, untilMs, named = {} }: HistorySettings): void {
  const database = openAuditDatabase(auditPaths(stateDir).databasePath)
  try {
    for (let from = 0; from < rows; from += BATCH) {
      const entries = Array.from({ length: Math.min(BATCH, rows - from) }, (_, index) => {
        const at = from + index
        const record = historyRecord(at, untilMs - spanMs + (spanMs * (at + drawn(at, 9))) / rows, named)
        return { type: 'settle', requestId: record.requestId, record } as const
      })
      database.apply({ file: 'history', writer: 'history', entries, fromByte: from, toByte: from + BATCH })
    }
  } finally {
    database.close()
  }
}

type Named = NonNullable<HistorySettings['named']>

function historyRecord(
  at: number,
  atMs: number,
  { model = 'small', tasks = ['triage', 'answer'], tenants = [] }: Named,
): AuditRecord {
  const task = tasks[Math.floor(drawn(at, 1) * tasks.length)] ?? 'triage'
  const probability = Number((0.45 + 0.55 * Math.sqrt(drawn(at, 2))).toFixed(4))
  const isLocal = probability >= 0.72
  const isRight = drawn(at, 3) < probability + 0.04
  const localMs = Math.round(120 + 240 * drawn(at, 4))
  const frontierMs = Math.round(700 + 1600 * drawn(at, 5) ** 2)
  const receivedAt = new Date(atMs).toISOString()
  const latencyMs = isLocal ? localMs : localMs + frontierMs
  const usage = { inputTokens: 420, outputTokens: 60, source: 'reported' } as const
  const costUsd = isLocal ? 0 : 0.00016
  const reason: Reason = isLocal ? 'local_accepted' : 'confidence_low'
  const isSampled = drawn(at, 6) < 0.2
  const label = { source: 'human', isCorrect: isRight, at: receivedAt } as const
  return auditRecord(`history-${at}`, {
    task,
    receivedAt,
    settledAt: new Date(atMs + latencyMs).toISOString(),
    outcome: isLocal ? 'accepted' : 'escalated',
    route: isLocal ? 'local' : 'frontier',
    reason,
    tenant: tenants.length === 0 ? null : (tenants[at % tenants.length] ?? null),
    decision: {
      route: isLocal ? 'local' : 'frontier',
      reason,
      pattern: 'cascade',
      model: isLocal ? model : 'big',
      tier: isLocal ? 'local_fast' : 'frontier',
      task,
      degraded: false,
      proven: false,
      stage: 'accept',
    },
    localModel: { name: model, identity: IDENTITY, prompt: null },
    signals: signalsOf(probability),
    verdicts: [verdictOf(probability, isLocal)],
    attempts: [
      attempt(model, { latencyMs: localMs, usage }),
      ...(isLocal ? [] : [attempt('big', { latencyMs: frontierMs, usage, costUsd })]),
    ],
    usage,
    costUsd,
    latencyMs,
    answerHash: `sha256:${'2'.repeat(64)}`,
    draft: {
      answerHash: `sha256:${'2'.repeat(64)}`,
      isSampled,
      agrees: isLocal ? null : isRight,
      figures: draftFigures({ signals: signalsOf(probability), finishReason: 'stop', inputChars: 900, probability }),
      setup: 'history',
      calibration: null,
    },
    labels: isSampled ? [label] : [],
  })
}

function verdictOf(score: number, accepted: boolean): Verdict {
  const detail = `probability ${score.toFixed(3)}, asked for 0.720`
  return { gate: 'confidence', accepted, reason: accepted ? null : 'confidence_low', score, threshold: 0.72, detail }
}

function signalsOf(probability: number): NonNullable<AuditRecord['signals']> {
  const rest = 1 - probability
  return {
    pass: 'decode',
    level: 2,
    fullDistribution: true,
    tokens: 2,
    meanLogprob: Math.log(probability),
    minLogprob: Math.log(probability),
    entropyLowNats: 0.2,
    entropyHighNats: 0.6,
    maxTokenEntropyNats: 0.5,
    options: [
      { value: 'test', probability, logprob: -0.2 },
      { value: 'build', probability: rest * 0.7, logprob: -2 },
      { value: 'dependency', probability: rest * 0.3, logprob: -3 },
    ],
    margin: probability - rest * 0.7,
  }
}
