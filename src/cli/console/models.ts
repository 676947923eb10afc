/** The models of the policy with what they did, the memory of this machine, and what of the catalogue would fit. */
import { metricsBook } from '../../eval/metrics/report.ts'
import { type FitRow, fitRows } from '../../models/catalog/fit-rows.ts'
import { OPEN_MODELS } from '../../models/catalog/open-models.ts'
import { REPLACES_MEANS, WORKLOAD_ROWS } from '../../models/catalog/workloads.ts'
import { embeddedNeedBytes } from '../../models/embedded/configured.ts'
import { resolvePaths } from '../../models/paths.ts'
import type { ModelMetrics } from '../../spec/metrics.ts'
import { withAudit } from '../read-costs.ts'
import { type Reading, windowStart } from './reading.ts'

export interface ModelLine {
  readonly name: string
  /** As `provider:model`. */
  readonly providerModel: string
  readonly tier: string
  /** Bytes that it takes when it is loaded; null for one of another server, and without its file. */
  readonly needBytes: number | null
  /** Null without a call in the window. */
  readonly metrics: ModelMetrics | null
  /** Output tokens a second over the answers of the window that tell both; null without any. */
  readonly tokensPerSecond: number | null
}

export interface ModelsPage {
  readonly since: string
  readonly until: string
  readonly models: readonly ModelLine[]
  /** What can be taken now without swapping, as the system says. */
  readonly availableBytes: number
  /** As `spillway models list --fits`, without what idle models would free. */
  readonly catalogue: readonly FitRow[]
  /** What open models stand in for, by workload. */
  readonly workloads: typeof WORKLOAD_ROWS
  readonly replacesMeans: string
}

/** @throws RouterError request_invalid, store_* */
export function models(reading: Reading): ModelsPage {
  const { loaded, stateDir, nowMs, env } = reading
  const sinceMs = windowStart(reading, '7d')
  const book = metricsBook({ costs: loaded.policy.costs, isPart: false })
  const speeds = new Map<string, { tokens: number; ms: number }>()
  withAudit(stateDir, (log) => {
    for (const record of log.each({ sinceMs })) {
      book.add(record)
      for (const { model, outcome, usage, latencyMs } of record.attempts) {
        if (outcome !== 'answered' || !usage || usage.outputTokens === 0) continue
        const sum = speeds.get(model) ?? { tokens: 0, ms: 0 }
        speeds.set(model, { tokens: sum.tokens + usage.outputTokens, ms: sum.ms + latencyMs })
      }
    }
  })
  const report = book.report({ sinceMs, untilMs: nowMs })
  const paths = resolvePaths(env, process.platform)
  const availableBytes = process.availableMemory()
  return {
    since: report.since,
    until: report.until,
    models: Object.entries(loaded.policy.models).map(([name, policy]) => {
      const speed = speeds.get(name)
      return {
        name,
        providerModel: `${policy.provider}:${policy.model}`,
        tier: policy.tier,
        needBytes: policy.provider === 'embedded' ? embeddedNeedBytes({ name, policy, paths, env }) : null,
        metrics: report.models.find((one) => one.name === name) ?? null,
        tokensPerSecond: speed && speed.ms > 0 ? speed.tokens / (speed.ms / 1000) : null,
      }
    }),
    availableBytes,
    catalogue: fitRows(OPEN_MODELS, { available: availableBytes, reclaimable: 0 }),
    workloads: WORKLOAD_ROWS,
    replacesMeans: REPLACES_MEANS,
  }
}
