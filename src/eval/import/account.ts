/** "What would have been saved, and at what risk": a log under the rules of a policy, row by row. Pure. */
import { clopperPearsonLower, clopperPearsonUpper } from '../../learn/bounds.ts'
import type { TaskKind, Usage } from '../../spec/decision.ts'
import { messageText } from '../../spec/request.ts'
import { ASSUMED_SHARES, estimatedTokens } from './assumed.ts'
import type { LoggedCall, Skipped } from './logged-call.ts'
import { type LogRules, verdictOn } from './verdict.ts'

export interface MoneySum {
  /** US dollars over the calls whose cost is known. */
  readonly usd: number
  /** Calls whose cost nobody knows; they are in no sum. */
  readonly unknown: number
  /** Calls without an answer and without counts: what is summed of them is the price of their input alone. */
  readonly inputOnly: number
}

export interface Compared {
  readonly wrong: number
  readonly compared: number
  /** Of the share of wrong ones, 95 %, two-sided, 0 to 1. */
  readonly interval: readonly [number, number]
}

/** Wrong answers among those that would have been given here, as far as anything is known of them. */
export interface Risk {
  /** Solvers against the answers in the log; null when nothing could be compared. */
  readonly solver: Compared | null
  /** Of answers of local models: a log cannot know it. */
  readonly models: 'unknown' | 'none_would_answer'
  readonly why: string
}

export interface TaskAccount {
  readonly task: string
  readonly kind: TaskKind
  readonly requests: number
  /** Answered exactly by a solver. */
  readonly solver: number
  /** Left by the rules to a local model, whose gates have not spoken. */
  readonly candidates: number
  /** By reason. */
  readonly stays: Readonly<Record<string, number>>
  readonly cost: MoneySum
  /** Share of the task's requests that may be answered here at most, and that is expected; null when nothing is known of such tasks. */
  readonly localShare: { readonly atMost: number; readonly expected: number | null; readonly assumption: string }
  readonly saving: { readonly atMostUsd: number; readonly expectedUsd: number | null }
  readonly risk: Risk
}

export interface LogAccount {
  readonly requests: number
  readonly skipped: Readonly<Record<Skipped, number>>
  /** ISO 8601 of the first and the last call; null when the log does not say. */
  readonly from: string | null
  readonly to: string | null
  /** `fromLog`, `fromPrices`: calls whose cost the log says, and calls whose cost was reckoned by list prices. */
  readonly cost: MoneySum & { readonly fromLog: number; readonly fromPrices: number }
  /** What was called, the dearest first. */
  readonly models: readonly ModelSum[]
  /** What would stay with the frontier, by reason, most frequent first. */
  readonly stays: readonly { readonly reason: string; readonly requests: number }[]
  readonly localShare: { readonly atMost: number; readonly expected: number; readonly unknownTasks: readonly string[] }
  readonly saving: { readonly atMostUsd: number; readonly expectedUsd: number }
  readonly risk: Risk
  readonly tasks: readonly TaskAccount[]
}

export interface ModelSum {
  /** As the log names it. */
  readonly model: string
  readonly calls: number
  readonly usd: number
  readonly unknown: number
}

export interface AccountSettings extends LogRules {
  /** What a call costs by the price table; null when no price is known. */
  readonly priceUsd: (call: LoggedCall, usage: Usage) => number | null
}

export interface Accounting {
  add(call: LoggedCall): void
  skip(why: Skipped): void
  result(): LogAccount
}

interface Line {
  requests: number
  solver: number
  candidates: number
  stays: Map<string, number>
  usd: number
  unknown: number
  inputOnly: number
  candidateUsd: number
  solverUsd: number
  compared: number
  wrong: number
}

export function openAccounting(settings: AccountSettings): Accounting {
  const lines = new Map<string | null, Line>()
  const skipped: Record<Skipped, number> = { failed_call: 0, not_chat: 0, no_text: 0, cache_hit: 0 }
  const sources = { fromLog: 0, fromPrices: 0 }
  const models = new Map<string, Mutable<ModelSum>>()
  let [from, to]: [string | null, string | null] = [null, null]
  return {
    skip(why) {
      skipped[why] += 1
    },
    add(call) {
      const verdict = verdictOn(call, settings)
      const line = lineOf(lines, verdict.task)
      const costUsd = call.costUsd ?? pricedUsd(call, settings)
      countModel(models, call.model ?? 'not named', costUsd)
      if (costUsd !== null) sources[call.costUsd === null ? 'fromPrices' : 'fromLog'] += 1
      line.requests += 1
      if (costUsd === null) line.unknown += 1
      else line.usd += costUsd
      if (costUsd !== null && call.costUsd === null && call.usage === null && call.answer?.text == null)
        line.inputOnly += 1
      if (verdict.kind === 'stays') count(line.stays, verdict.reason)
      if (verdict.kind === 'candidate') {
        line.candidates += 1
        line.candidateUsd += costUsd ?? 0
      }
      if (verdict.kind === 'solver') {
        line.solver += 1
        line.solverUsd += costUsd ?? 0
        compare(line, verdict.answer, call)
      }
      if (call.at !== null && (from === null || call.at < from)) from = call.at
      if (call.at !== null && (to === null || call.at > to)) to = call.at
    },
    result: () => accountOf(lines, { skipped, sources, models, from, to, settings }),
  }
}

function lineOf(lines: Map<string | null, Line>, task: string | null): Line {
  const known = lines.get(task)
  if (known) return known
  const fresh: Line = {
    requests: 0,
    solver: 0,
    candidates: 0,
    stays: new Map(),
    usd: 0,
    unknown: 0,
    inputOnly: 0,
    candidateUsd: 0,
    solverUsd: 0,
    compared: 0,
    wrong: 0,
  }
  lines.set(task, fresh)
  return fresh
}

function pricedUsd(call: LoggedCall, { priceUsd }: AccountSettings): number | null {
  return priceUsd(call, call.usage ?? estimatedUsage(call))
}

/** Of a log without counts: by characters. Without an answer nobody knows how long it was, and only the input is counted. */
function estimatedUsage({ request, answer }: LoggedCall): Usage {
  const chars = request.messages.reduce((sum, message) => sum + messageText(message).length, 0)
  const outputTokens = estimatedTokens(answer?.text?.length ?? 0)
  return { inputTokens: estimatedTokens(chars), outputTokens, source: 'estimated' }
}

/** The last number or date of the logged answer against the solver's. An answer without one is not compared. */
function compare(line: Line, exact: string, { answer }: LoggedCall): void {
  const told = answer?.text?.trim()
  if (!told) return
  line.compared += 1
  if (!saysSame(told, exact)) line.wrong += 1
}

const SAME_NUMBER = 0.005

function saysSame(told: string, exact: string): boolean {
  if (told.toLowerCase().includes(exact.toLowerCase())) return true
  const wanted = Number(exact.replaceAll(',', ''))
  const last = told
    .replaceAll(/(?<=\d),(?=\d{3})/g, '')
    .match(/-?\d+(?:\.\d+)?(?:e[+-]?\d+)?/gi)
    ?.at(-1)
  if (!Number.isFinite(wanted) || last === undefined) return false
  return Math.abs(Number(last) - wanted) <= SAME_NUMBER * Math.max(1e-12, Math.abs(wanted))
}

function count(counts: Map<string, number>, key: string): void {
  counts.set(key, (counts.get(key) ?? 0) + 1)
}

type Mutable<T> = { -readonly [K in keyof T]: T[K] }

function countModel(models: Map<string, Mutable<ModelSum>>, model: string, costUsd: number | null): void {
  const sum = models.get(model) ?? { model, calls: 0, usd: 0, unknown: 0 }
  sum.calls += 1
  if (costUsd === null) sum.unknown += 1
  else sum.usd += costUsd
  models.set(model, sum)
}

type Frame = Pick<LogAccount, 'skipped' | 'from' | 'to'> & {
  readonly models: ReadonlyMap<string, ModelSum>
  readonly sources: { readonly fromLog: number; readonly fromPrices: number }
  readonly settings: AccountSettings
}

function accountOf(lines: ReadonlyMap<string | null, Line>, frame: Frame): LogAccount {
  const named = [...lines].flatMap(([task, line]) => (task === null ? [] : [taskAccount(task, line, frame.settings)]))
  const tasks = named.toSorted((a, b) => b.requests - a.requests)
  const all = [...lines.values()]
  const sum = (of: (line: Line) => number): number => all.reduce((total, line) => total + of(line), 0)
  const requests = sum((line) => line.requests)
  const stays = new Map<string, number>()
  for (const line of all) for (const [reason, n] of line.stays) stays.set(reason, (stays.get(reason) ?? 0) + n)
  const solver = sum((line) => line.solver)
  const expected = tasks.reduce(
    (total, one) => total + (one.localShare.expected ?? one.solver / one.requests) * one.requests,
    0,
  )
  return {
    requests,
    skipped: frame.skipped,
    from: frame.from,
    to: frame.to,
    cost: {
      usd: sum((line) => line.usd),
      unknown: sum((line) => line.unknown),
      inputOnly: sum((line) => line.inputOnly),
      ...frame.sources,
    },
    models: [...frame.models.values()].toSorted((a, b) => b.usd - a.usd || b.calls - a.calls),
    stays: [...stays].map(([reason, n]) => ({ reason, requests: n })).toSorted((a, b) => b.requests - a.requests),
    localShare: {
      atMost: shareOf(solver + sum((line) => line.candidates), requests),
      expected: shareOf(expected, requests),
      unknownTasks: tasks.filter(({ localShare }) => localShare.expected === null).map(({ task }) => task),
    },
    saving: {
      atMostUsd: sum((line) => line.candidateUsd + line.solverUsd),
      expectedUsd: tasks.reduce((total, one) => total + (one.saving.expectedUsd ?? 0), 0),
    },
    risk: riskOf({
      compared: sum((line) => line.compared),
      wrong: sum((line) => line.wrong),
      candidates: sum((line) => line.candidates),
    }),
    tasks,
  }
}

function taskAccount(task: string, line: Line, { policy }: AccountSettings): TaskAccount {
  const kind = policy.tasks[task]?.kind ?? 'text'
  const assumed = ASSUMED_SHARES[kind]
  const accepted = line.candidates === 0 ? 0 : assumed ? assumed.share : null
  const local = accepted === null ? null : accepted * line.candidates + line.solver
  return {
    task,
    kind,
    requests: line.requests,
    solver: line.solver,
    candidates: line.candidates,
    stays: Object.fromEntries(line.stays),
    cost: { usd: line.usd, unknown: line.unknown, inputOnly: line.inputOnly },
    localShare: {
      atMost: shareOf(line.solver + line.candidates, line.requests),
      expected: local === null ? null : shareOf(local, line.requests),
      assumption: assumptionOf(line, kind),
    },
    saving: {
      atMostUsd: line.candidateUsd + line.solverUsd,
      expectedUsd: accepted === null ? null : accepted * line.candidateUsd + line.solverUsd,
    },
    risk: riskOf(line),
  }
}

function assumptionOf(line: Line, kind: TaskKind): string {
  const exact = line.solver > 0 ? [`${line.solver} answered exactly by a solver`] : []
  if (line.candidates === 0) return exact.join('') || 'the rules leave nothing to a local model'
  const assumed = ASSUMED_SHARES[kind]
  const rest = assumed
    ? `of the rest ${Math.round(assumed.share * 100)} % as measured on ${assumed.source}, 135M model, error bound 10 %`
    : `nothing was measured for kind ${kind}: shadow will tell`
  return [...exact, rest].join('; ')
}

function riskOf({ compared, wrong, candidates }: Pick<Line, 'compared' | 'wrong' | 'candidates'>): Risk {
  const interval = [clopperPearsonLower(wrong, compared, 0.975), clopperPearsonUpper(wrong, compared, 0.975)] as const
  const solver = compared === 0 ? null : { wrong, compared, interval }
  if (candidates === 0) return { solver, models: 'none_would_answer', why: 'The rules leave nothing to a local model.' }
  const why = `No local model has answered any of the ${candidates} candidates; stage shadow measures it without serving one.`
  return { solver, models: 'unknown', why }
}

function shareOf(part: number, whole: number): number {
  return whole === 0 ? 0 : part / whole
}
