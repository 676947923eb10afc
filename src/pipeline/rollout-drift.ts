/** Whether the inputs of a task and the signals of its local model are still what they were when its stage began. Pure, no text needed. */
import { hash } from 'node:crypto'
import { DRAFT_FIGURES } from '../learn/draft-figures.ts'
import { alarmAt, createDriftMonitor, type DriftMonitor } from '../learn/drift.ts'
import type { AuditRecord } from '../spec/audit.ts'
import type { TaskDriftState } from '../spec/rollout.ts'

export interface TaskDrift {
  take(record: Pick<AuditRecord, 'requestId' | 'features' | 'draft' | 'localModel' | 'shadow'>): void
  state(): TaskDriftState
}

/** Of a hundred tasks whose traffic never changes, one falls back by mistake in all its life; inputs and signals share that. */
const FALSE_ALARMS = 0.01

const INPUTS = ['inputChars', 'messages', 'hasTools', 'hasSchema', 'hasImages'] as const

export function createTaskDrift(): TaskDrift {
  const inputs = createDriftMonitor(INPUTS)
  let signals = createDriftMonitor(DRAFT_FIGURES)
  let setup: string | null = null
  return {
    take(record) {
      const { features } = record
      const chance = fractionOf(record.requestId)
      inputs.take(
        INPUTS.map((name) => Number(features[name])),
        chance,
      )
      const answered = answeredIn(record)
      if (!answered) return
      // Another model or prompt has other signals; that is no drift.
      if (answered.setup !== setup) signals = createDriftMonitor(DRAFT_FIGURES)
      setup = answered.setup
      signals.take(answered.figures, chance)
    },
    state: () => stateOf(inputs, signals),
  }
}

function stateOf(inputs: DriftMonitor, signals: DriftMonitor): TaskDriftState {
  const level = alarmAt(FALSE_ALARMS / 2)
  const states = { inputs: inputs.state(), signals: signals.state() }
  const found = (['inputs', 'signals'] as const).find((name) => states[name].logWealth >= level)
  const alarm = found ? `${found} drifted, ${states[found].strongest} most, after ${states[found].rows} requests` : null
  return { ...states, alarmAt: level, alarm }
}

function answeredIn({ draft, localModel, shadow }: Parameters<TaskDrift['take']>[0]) {
  const own = draft && localModel ? { draft, identity: localModel.identity } : null
  const other = shadow?.draft && shadow.identity ? { draft: shadow.draft, identity: shadow.identity } : null
  const found = own ?? other
  if (!found) return null
  const { digest, quantisation, servedBy } = found.identity
  return {
    figures: found.draft.figures,
    setup: JSON.stringify([digest, quantisation, servedBy, found.draft.setup]),
  }
}

/** The same for the same request in every process: what is told later is what was decided. */
function fractionOf(id: string): number {
  return Number.parseInt(hash('sha256', id, 'hex').slice(0, 13), 16) / 16 ** 13
}
