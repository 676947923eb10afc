/** Fits methods on some rows of a recording and scores them on others. */
import { auroc } from '../../learn/quality.ts'
import { randomFrom } from '../../learn/random.ts'
import type { LabContext, LabMethod, LabRow, LabState } from './method.ts'
import { METHODS } from './methods.ts'
import { bootstrapApgr, oracleApgr, type Routed, routingMetrics } from './metrics.ts'
import { outcomeOf } from './settings.ts'

/** One line of the table. */
export interface LabScore {
  readonly recording: string
  readonly setting: string
  readonly method: string
  /** Rows that were scored, none of them fitted on. */
  readonly n: number
  readonly apgr: number
  /** 95 %, over resampled rows. */
  readonly ci: readonly [number, number]
  readonly cpt50: number
  readonly cpt80: number
  readonly cpt95: number
  /** Of an order that knows both outcomes. */
  readonly oracle: number
  /** (apgr - .5) / (oracle - .5). */
  readonly headroom: number
  /** That a wrong local answer has more need than a right one; null when all are alike. */
  readonly auroc: number | null
  /** At the method's usual cut; null for a method without one. */
  readonly usual: { readonly frontierShare: number; readonly quality: number } | null
  /** Calls of local models, the answer included; 0 when the decision comes before it. */
  readonly localRunsPerRequest: number
  /** Of `need`, without any model call. */
  readonly decisionMsP50: number
  readonly decisionMsP99: number
}

export interface Needed extends Routed {
  readonly runs: number
  readonly ms: number
}

export interface Scoring {
  readonly method: LabMethod
  readonly state: LabState
  readonly context: LabContext
}

/** Timed as in a service that runs: the state is decoded and the code compiled by a few decisions before. */
export function neededOf(rows: readonly LabRow[], { method, state, context }: Scoring): readonly Needed[] {
  for (const row of rows.slice(0, WARM_UP)) method.need(state, row, context)
  return rows.map((row) => {
    const started = performance.now()
    const need = method.need(state, row, context)
    const ms = performance.now() - started
    const runs = method.localRuns?.(state, row, context) ?? (context.setting.kind === 'after' ? 1 : 0)
    return { ...outcomeOf(row, context), need, runs, ms }
  })
}

const WARM_UP = 100

/** Each row is scored by a fit that has not seen it; fitted and scored `repeats` times over five folds. */
export function crossValidated(
  rows: readonly LabRow[],
  { method, context, seed }: { readonly method: LabMethod; readonly context: LabContext; readonly seed: number },
  repeats = 3,
): readonly Needed[] {
  const rounds = Array.from({ length: repeats }, (_, repeat) => {
    const random = randomFrom(seed + repeat)
    const folds = rows.map(() => Math.floor(random() * FOLDS))
    const scored = new Map<LabRow, Needed>()
    for (let fold = 0; fold < FOLDS; fold++) {
      const train = rows.filter((_, at) => folds[at] !== fold)
      const held = rows.filter((_, at) => folds[at] === fold)
      const found = neededOf(held, { method, state: method.fit(train, context, seed), context })
      held.forEach((row, at) => void (found[at] && scored.set(row, found[at])))
    }
    return rows.flatMap((row) => scored.get(row) ?? [])
  })
  return rows.flatMap((_, at): readonly Needed[] => {
    const own = rounds.flatMap((round) => round[at] ?? [])
    const [first] = own
    return first ? [{ ...first, need: own.reduce((sum, { need }) => sum + need, 0) / own.length }] : []
  })
}

const FOLDS = 5

export function scoreOf(
  needed: readonly Needed[],
  { method, context, seed }: { readonly method: string; readonly context: LabContext; readonly seed: number },
): LabScore {
  const oracle = oracleApgr(needed)
  const metrics = routingMetrics(needed)
  const times = needed.map(({ ms }) => ms).toSorted((a, b) => a - b)
  const at = (share: number): number => times[Math.floor(share * (times.length - 1))] ?? 0
  return {
    recording: context.setting.recording,
    setting: context.setting.name,
    method,
    n: needed.length,
    ...metrics,
    ci: bootstrapApgr(needed, randomFrom(seed)),
    oracle,
    headroom: (metrics.apgr - 0.5) / (oracle - 0.5),
    auroc: auroc(needed.map(({ need, local }) => ({ probability: -need, isCorrect: local >= 0.5 }))),
    usual: usualOf(needed, method),
    localRunsPerRequest: needed.reduce((sum, { runs }) => sum + runs, 0) / needed.length,
    decisionMsP50: at(0.5),
    decisionMsP99: at(0.99),
  }
}

function usualOf(needed: readonly Needed[], name: string): LabScore['usual'] {
  const cut = METHODS.find((method) => method.name === name)?.usualCut
  if (cut === undefined) return null
  const sum = (of: (one: Needed) => number): number => needed.reduce((total, one) => total + of(one), 0) / needed.length
  return {
    frontierShare: sum(({ need }) => (need > cut ? 1 : 0)),
    quality: sum(({ need, local, frontier }) => (need > cut ? frontier : local)),
  }
}
