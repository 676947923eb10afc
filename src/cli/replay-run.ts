/** A replay of the audit of this machine: what `spillway replay` and `spillway policy diff` share. */
import { join } from 'node:path'
import { type ReplayQuestion, type ReplayReport, replay } from '../eval/replay/replay.ts'
import { resolvePaths } from '../models/paths.ts'
import { callCost } from '../models/prices.ts'
import { systemClock } from '../pipeline/clock.ts'
import type { Calibration } from '../spec/calibration.ts'
import type { Usage } from '../spec/decision.ts'
import { keptPolicyOf } from '../spec/kept-policy.ts'
import type { LoadedPolicy, ModelPolicy } from '../spec/policy.ts'
import { readAuditLog } from '../stores/audit-log.ts'
import { openCalibrations } from '../stores/calibrations.ts'
import { readPolicy } from '../stores/policy-archive.ts'
import type { CliContext } from './context.ts'

export interface ReplayRun {
  /** Epoch milliseconds, inclusive. */
  readonly sinceMs: number
  readonly next: LoadedPolicy
  /** Null: what happened. */
  readonly base: LoadedPolicy | null
  readonly task?: string | undefined
  readonly calibrator: 'recorded' | 'current'
  readonly examples: number
  readonly regenerate?: ReplayQuestion['regenerate']
}

/** @throws RouterError store_newer, store_corrupt, fit_corrupt */
export async function replayAudit(run: ReplayRun, { env }: Pick<CliContext, 'env'>): Promise<ReplayReport> {
  const { next, base, calibrator, examples, sinceMs, task } = run
  const { stateDir } = resolvePaths(env, process.platform)
  const log = readAuditLog({ stateDir })
  try {
    return await replay({
      records: log.each({ sinceMs, ...(task !== undefined && { task }) }),
      next: keptPolicyOf(next),
      base: base && keptPolicyOf(base),
      policyOf: (digest) => readPolicy(stateDir, digest),
      fits: fitsIn(stateDir),
      price: rememberedPrice(),
      ...{ calibrator, examples, nowMs: systemClock.epochMs() },
      ...(run.regenerate && { regenerate: run.regenerate }),
    })
  } finally {
    log.close()
  }
}

/** Looking a price up takes longer than the rest of a replayed decision, and many calls are of one size. */
function rememberedPrice(): (model: ModelPolicy, usage: Usage) => number | null {
  const known = new Map<ModelPolicy, Map<string, number | null>>()
  return (model, usage) => {
    const prices = known.get(model) ?? new Map<string, number | null>()
    known.set(model, prices)
    const size = `${usage.inputTokens} ${usage.outputTokens}`
    const found = prices.get(size)
    if (found !== undefined) return found
    const { costUsd } = callCost(model, usage, model.model)
    if (prices.size < MOST_SIZES) prices.set(size, costUsd)
    return costUsd
  }
}

const MOST_SIZES = 50_000

/** Read once: a replay asks for a fit with every record. */
function fitsIn(stateDir: string) {
  const files = openCalibrations(join(stateDir, 'calibrations'), systemClock.monotonicMs).list()
  const byKey = new Map<string, (typeof files)[number]>()
  for (const file of files) {
    const [first] = file.versions
    if (first) byKey.set(keyOf(first.key), file)
  }
  return {
    all: (key: Calibration['key']) => byKey.get(keyOf(key))?.versions ?? [],
    now: (key: Calibration['key']) => {
      const file = byKey.get(keyOf(key))
      return file?.versions.find(({ refit }) => refit === file.inForce) ?? null
    },
  }
}

function keyOf({ task, digest, quantisation, servedBy, setup }: Calibration['key']): string {
  return JSON.stringify([task, digest ?? servedBy, quantisation, setup])
}
