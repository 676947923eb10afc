/** The report of the study: every condition over all sets and on each, what was to be reached, and what was published. Pure. */
import { drawOf } from './belief.ts'
import { oracleRow, randomRow } from './composed.ts'
import { ASKED, COMPOSED, type Condition, whyNot } from './conditions.ts'
import type { SetFit } from './fit.ts'
import { numbersOf, type SolverCheck, type StudyNumbers } from './numbers.ts'
import { PUBLISHED } from './published.ts'
import { SET_DETAILS, type StudyData, type StudySet } from './sets.ts'
import type { StudyResult } from './study-row.ts'
import { type ConditionFigures, figuresOf, type SetFigures, setFiguresOf } from './summary.ts'

export type FrontierMode = 'real' | 'replay' | 'oracle'

export interface StudySettings {
  readonly limit: number
  readonly seed: number
  readonly alpha: number
  readonly localModel: string
  readonly frontierModel: string
  readonly cheapModel: string
  /** Of a simulated frontier: how often it is right, 0 to 1. */
  readonly accuracy: number
  readonly cheapAccuracy: number
  readonly closedBookAccuracy: number
}

export interface SetReport {
  readonly title: string
  readonly metric: string
  readonly n: number
  /** Questions whose frontier answer is a recorded one. */
  readonly replayed: number
  /** Of the bounded cascade; null where plain thresholds decide. */
  readonly fit: SetFit | null
  readonly conditions: Readonly<Record<string, SetFigures>>
  readonly notMeasured: Readonly<Record<string, string>>
}

export interface StudyReport {
  readonly frontier: FrontierMode
  readonly simulated: boolean
  readonly settings: StudySettings
  readonly conditions: Readonly<Record<string, ConditionFigures & { readonly sets: readonly StudySet[] }>>
  readonly perSet: Readonly<Partial<Record<StudySet, SetReport>>>
  readonly numbers: StudyNumbers
  readonly assumptions: readonly string[]
  readonly published: typeof PUBLISHED
}

/** One set with all that was asked of it. */
export interface MeasuredSet {
  readonly data: StudyData
  readonly fit: SetFit | null
  readonly replayed: number
  readonly results: readonly StudyResult[]
}

export interface Measured {
  readonly frontier: FrontierMode
  readonly settings: StudySettings
  readonly sets: readonly MeasuredSet[]
  readonly solver: SolverCheck | null
}

const CONDITIONS: readonly Condition[] = [...ASKED, ...COMPOSED]

export function studyReport({ frontier, settings, sets, solver }: Measured): StudyReport {
  const whole = sets.map((one) => ({ ...one, results: [...one.results, ...composed(one, settings.seed)] }))
  const rows = whole.flatMap(({ results }) => results)
  const of = (condition: Condition): readonly StudyResult[] => rows.filter((row) => row.condition === condition)
  const baselines = { local: of('local_only'), frontier: of('frontier_only') }
  const conditions = CONDITIONS.filter((condition) => of(condition).length > 0).map((condition) => {
    const own = of(condition)
    const named = whole.map(({ data }) => data.set).filter((set) => own.some((row) => row.set === set))
    return [condition, { ...figuresOf(own, baselines), sets: named }] as const
  })
  return {
    frontier,
    simulated: frontier !== 'real',
    settings,
    conditions: Object.fromEntries(conditions),
    perSet: Object.fromEntries(whole.map((one) => [one.data.set, setReport(one)])),
    numbers: numbersOf(rows, solver),
    assumptions: assumptionsOf(frontier, settings),
    published: PUBLISHED,
  }
}

function setReport({ data, fit, replayed, results }: MeasuredSet): SetReport {
  const { title, metric } = SET_DETAILS[data.set]
  const of = (condition: Condition): readonly StudyResult[] => results.filter((row) => row.condition === condition)
  const baselines = { local: of('local_only'), frontier: of('frontier_only') }
  const golds = new Map(data.scored.map(({ id, meta }) => [id, meta.score ?? 0]))
  const measured = CONDITIONS.filter((condition) => of(condition).length > 0)
  return {
    ...{ title, metric, n: data.scored.length, replayed, fit },
    conditions: Object.fromEntries(
      measured.map((condition) => [condition, setFiguresOf(of(condition), baselines, golds)]),
    ),
    notMeasured: Object.fromEntries(
      CONDITIONS.flatMap((condition) => {
        const why = whyNot(data.set, condition)
        return why === null ? [] : [[condition, why]]
      }),
    ),
  }
}

/** Random escalation has the rate of the cascade on the same set. */
function composed({ data, results }: MeasuredSet, seed: number): readonly StudyResult[] {
  const of = (condition: Condition) =>
    new Map(results.filter((row) => row.condition === condition).map((row) => [row.id, row]))
  const [locals, frontiers, cascades] = [of('local_only'), of('frontier_only'), [...of('cascade').values()]]
  const rate = cascades.filter(({ route }) => route === 'frontier').length / Math.max(1, cascades.length)
  return data.scored.flatMap(({ id }) => {
    const [local, frontier] = [locals.get(id), frontiers.get(id)]
    if (!local || !frontier) return []
    return [randomRow({ local, frontier }, rate, drawOf(id, 'random', seed)), oracleRow({ local, frontier })]
  })
}

function assumptionsOf(frontier: FrontierMode, settings: StudySettings): readonly string[] {
  const reuse =
    'A local answer is computed once for each question and prompt and reused by all conditions; its time counts in each as it was when it was computed, calls one after the other.'
  const shared = [
    reuse,
    'random and oracle are put together from the rows of local_only and frontier_only; random is one draw with the rate of the cascade on each set.',
    'Hard stops and masking are off: they would act the same in every condition.',
    'Thresholds are proven against gold labels of rows that are never scored; the frontier is simulated there in any case.',
    'advisor_no_document takes the document out of what the adviser is sent; the product has no such option. On sets without a document it is the same as advisor.',
  ]
  if (frontier === 'real') return shared
  return [
    ...shared,
    `The frontier is simulated: it holds one belief about each question, right with probability ${settings.accuracy} (${settings.closedBookAccuracy} about a document that it was not sent), and answers, verdicts, advice and answers about spans all follow from it.`,
    `The cheap hosted model (consensus, advisor_hosted_worker) is simulated as well, right with probability ${settings.cheapAccuracy}, its errors independent of the frontier's; advised, it says what the plan says.`,
    'Tokens of simulated calls are characters divided by four, prices those of the named models; their time is 600 ms and 15 ms for each token of the answer.',
    ...(frontier === 'replay' ? ['Questions with a recorded answer get that answer in place of a drawn belief.'] : []),
  ]
}
