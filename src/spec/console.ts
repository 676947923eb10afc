/** The operator's console as the gateway serves it: who looks, what may be asked, and decisions as they come. Plain data. */
import type { AuditRecord } from './audit.ts'

/** Whose rows are shown. */
export interface ConsoleReader {
  /** Null: everything, for the operator. Else only rows of these tenants. */
  readonly tenants: readonly string[] | null
  /** For what is logged. */
  readonly by: string
}

/** What reads the audit or the policy, and takes longer than a request may hold up others. */
export const CONSOLE_REPORTS = [
  'overview',
  'requests',
  'request',
  'review',
  'tasks',
  'costs',
  'plan',
  'models',
  'policy',
  'policy_check',
  'text',
] as const
export type ConsoleReport = (typeof CONSOLE_REPORTS)[number]

export interface ConsoleQuestion {
  readonly report: ConsoleReport
  /** Parameters of the address and of the body, as they came; the report checks them. */
  readonly values: Readonly<Record<string, string>>
  readonly reader: ConsoleReader
}

/** A stage that somebody wants for a task. */
export interface WantedMove {
  readonly task: string
  readonly action: 'promote' | 'rollback'
  readonly to?: string | undefined
  /** Of the conversations, 0 to 100; for a canary. */
  readonly percent?: number | undefined
  readonly why: string
  readonly by: string
}

export interface ConsoleSource {
  /** @throws RouterError request_invalid, not_found, store_newer, store_corrupt */
  read(question: ConsoleQuestion): Promise<unknown>
  /** @throws RouterError usage, bar_missed, unknown_task, in_use */
  move(wanted: WantedMove): Promise<unknown>
  readonly live: LiveFeed
  /** Ends what reads. */
  close(): Promise<void>
}

/**
 * Where an answer came from: `local`, `solver` and `cache` cost no provider; `frontier`: by policy or because local could not;
 * `escalated`: after a gate rejected a local answer; `held`: waits for a person; `human`: a person answered; `failed`: nobody.
 */
export const ORIGINS = ['local', 'frontier', 'escalated', 'solver', 'cache', 'held', 'human', 'failed'] as const
export type Origin = (typeof ORIGINS)[number]

/** One decision, as lists show it. */
export interface DecisionRow {
  readonly requestId: string
  /** ISO 8601, UTC. */
  readonly receivedAt: string
  readonly task: string
  readonly tenant: string | null
  readonly origin: Origin
  readonly route: string
  readonly reason: string
  readonly outcome: string
  readonly model: string | null
  readonly degraded: boolean
  readonly proven: boolean
  readonly latencyMs: number | null
  /** US dollars; null when unknown. */
  readonly costUsd: number | null
}

export function decisionRow(record: AuditRecord): DecisionRow {
  const { requestId, receivedAt, task, tenant, route, reason, outcome, decision, latencyMs, costUsd } = record
  return {
    requestId,
    receivedAt,
    task,
    tenant,
    origin: originOf(record),
    route,
    reason,
    outcome,
    model: decision?.model ?? null,
    degraded: decision?.degraded ?? false,
    proven: decision?.proven ?? false,
    latencyMs,
    costUsd,
  }
}

export function originOf({ route, outcome }: Pick<AuditRecord, 'route' | 'outcome'>): Origin {
  if (outcome === 'error' || outcome === 'interrupted') return 'failed'
  if (outcome === 'held') return 'held'
  if (outcome === 'human') return 'human'
  if (route === 'frontier') return outcome === 'escalated' ? 'escalated' : 'frontier'
  return ORIGINS.find((known) => known === route) ?? 'failed'
}

/** Decisions as they settle. */
export interface LiveFeed {
  /** Costs nothing while nobody listens. */
  publish(record: AuditRecord): void
  /** @returns what ends it */
  listen(listener: (row: DecisionRow) => void): () => void
}

/** Of what is published to it. */
export function createLiveFeed(): LiveFeed {
  const listeners = new Set<(row: DecisionRow) => void>()
  return {
    publish(record) {
      if (listeners.size === 0) return
      const row = decisionRow(record)
      for (const tell of listeners) tell(row)
    },
    listen(listener) {
      listeners.add(listener)
      return () => void listeners.delete(listener)
    },
  }
}
