/** A head from what a task kept of its traffic, compared with what decides now, and calibrated anew. */
import { mayLose, pairedGain } from '../learn/paired.ts'
import type { Calibration, CalibrationKey } from '../spec/calibration.ts'
import { LABEL_SOURCES, type LabelSource } from '../spec/label.ts'
import type { KeptExample, LearnedHead, PairedGain } from '../spec/learned.ts'
import type { HeadExampleSet, TaskPolicy } from '../spec/policy.ts'
import { calibrateGroup, fractionOf } from './calibrate.ts'
import type { DraftGroup } from './labelled-drafts.ts'

/** What the local model makes of one example. */
export interface AskedExample {
  readonly requestId: string
  readonly answer: string
  /** Of `DRAFT_FIGURES`. */
  readonly figures: readonly (number | null)[]
  /** No hard check spoke against it. */
  readonly passesChecks: boolean
}

/** The answers of one setup; rows that no local model may answer are left out. */
export interface AskedSetup {
  readonly key: Omit<CalibrationKey, 'task'> | null
  readonly answers: readonly AskedExample[]
}

export interface HeadFitRequest {
  readonly task: string
  readonly accept: TaskPolicy['accept']
  readonly options: readonly string[]
  readonly kept: readonly KeptExample[]
  /** What decides now; undefined for the model's own label scores. */
  readonly inForce: HeadExampleSet | undefined
  /** The examples of the policy together with learned ones. */
  readonly withLearned: (rows: LearnedHead['rows']) => HeadExampleSet
  /** Asks the local model with a head from these examples. */
  readonly ask: (head: HeadExampleSet | undefined, rows: readonly KeptExample[]) => Promise<AskedSetup>
  readonly coverageOf: (key: CalibrationKey) => number | null
  readonly refits: number
  /** Of the new head. */
  readonly version: number
  /** ISO 8601, UTC. */
  readonly now: string
}

export interface HeadFit {
  readonly task: string
  readonly action: 'promoted' | 'not_promoted' | 'not_fitted'
  readonly why: string | null
  readonly trainedOn: number
  readonly heldBack: number
  readonly gain: PairedGain | null
  readonly head: LearnedHead | null
  /** For the new head; it was fitted even when the head is not promoted, and has spent its share of the error budget. */
  readonly calibration: Calibration | null
}

/** Share of the fair examples that trains; a request's part depends on its id alone and never changes. */
const TRAIN_SHARE = 0.35
/** The newest; more would only take more time. */
const MAX_HELD_BACK = 600
/** With fewer the interval of a comparison says nothing. */
const MIN_HELD_BACK = 50
/** One to hold out, and two to learn from. */
const MIN_OF_EACH = 3

/**
 * Trains on the examples that are not fair and on a fixed part of the fair ones; the rest compares and calibrates. The new
 * head comes into force when the paired 90 % interval excludes a loss of more than a point and, where the task has a bound,
 * when it lets more answers be accepted than what is in force.
 */
export async function fitHeadFromTraffic(request: HeadFitRequest): Promise<HeadFit> {
  const { task, options, kept, inForce, accept } = request
  const labelled = kept
    .filter(({ label }) => label !== null && counts(label.source, accept.labels))
    .flatMap((row) => within(row, options))
  const train = labelled.filter((row) => !row.isFair || fractionOf(`head ${row.requestId}`) < TRAIN_SHARE)
  const held = labelled.filter((row) => !train.includes(row)).slice(-MAX_HELD_BACK)
  const nothing = { task, trainedOn: train.length, heldBack: held.length, gain: null, head: null, calibration: null }
  const rows = train.map(({ text, label }) => ({ text, label: label?.value ?? '' }))
  const candidate = request.withLearned(rows)
  const lacking = problemOf(held, candidate)
  if (lacking) return { ...nothing, action: 'not_fitted', why: lacking }
  if (candidate.digest === inForce?.digest) return { ...nothing, action: 'not_fitted', why: 'there is no new example' }
  const before = await request.ask(inForce, held)
  const after = await request.ask(candidate, held)
  const pairs = pairsOf(held, before, after)
  if (pairs.length === 0)
    return { ...nothing, action: 'not_fitted', why: 'no local model answered the held-back examples' }
  const gain = pairedGain(pairs)
  const compared = { ...nothing, gain }
  if (mayLose(gain)) return { ...compared, action: 'not_promoted', why: 'it may lose more than a point of accuracy' }
  const calibration = calibrated(request, held, after)
  const head: LearnedHead = {
    task,
    version: request.version,
    rows,
    digest: candidate.digest,
    fittedAt: request.now,
    gain,
  }
  const better = acceptsMore(request, before, calibration)
  if (better !== null) return { ...compared, calibration, action: 'not_promoted', why: better }
  return { ...compared, head, calibration, action: 'promoted', why: null }
}

function counts(source: LabelSource, leastSure: LabelSource): boolean {
  return LABEL_SOURCES.indexOf(source) <= LABEL_SOURCES.indexOf(leastSure)
}

/** Feedback may spell an option in another case; what is no option teaches nothing. */
function within(row: KeptExample, options: readonly string[]): readonly KeptExample[] {
  const { label } = row
  const option = options.find((one) => one.toLowerCase() === label?.value.trim().toLowerCase())
  return label && option !== undefined ? [{ ...row, label: { ...label, value: option } }] : []
}

function problemOf(held: readonly KeptExample[], { options, rows }: HeadExampleSet): string | null {
  const few = options.find((option) => rows.filter(({ label }) => label === option).length < MIN_OF_EACH)
  if (few !== undefined) return `there are fewer than ${MIN_OF_EACH} examples of the label ${few}`
  if (held.length >= MIN_HELD_BACK) return null
  return `only ${held.length} fair examples are held back to compare on, ${MIN_HELD_BACK} are needed`
}

function pairsOf(held: readonly KeptExample[], before: AskedSetup, after: AskedSetup) {
  const answersOf = ({ answers }: AskedSetup) => new Map(answers.map(({ requestId, answer }) => [requestId, answer]))
  const [old, next] = [answersOf(before), answersOf(after)]
  return held.flatMap(({ requestId, label }) => {
    const [one, other] = [old.get(requestId), next.get(requestId)]
    return one === undefined || other === undefined
      ? []
      : [{ before: one === label?.value, after: other === label?.value }]
  })
}

function calibrated(
  { task, accept, refits, now }: HeadFitRequest,
  held: readonly KeptExample[],
  { key, answers }: AskedSetup,
): Calibration | null {
  if (accept.maxErrorRate === undefined || !key) return null
  const rows = new Map(held.map((row) => [row.requestId, row]))
  const drafts: DraftGroup['drafts'] = answers.flatMap(({ requestId, answer, figures, passesChecks }) => {
    const row = rows.get(requestId)
    if (!row || !passesChecks) return []
    return [{ id: requestId, figures, isCorrect: answer === row.label?.value, isFair: true, at: row.at }]
  })
  return calibrateGroup({ key: { task, ...key }, drafts }, { accept, refit: refits + 1, now }).fit
}

/** @returns null when it does, else why not */
function acceptsMore(
  { task, accept, coverageOf }: HeadFitRequest,
  before: AskedSetup,
  calibration: Calibration | null,
): string | null {
  if (accept.maxErrorRate === undefined) return null
  const now = before.key && coverageOf({ task, ...before.key })
  const next = calibration?.accept?.coverage ?? null
  if (now === null) return null
  return next !== null && next > now
    ? null
    : `it would accept ${percent(next ?? 0)} of the answers, now it is ${percent(now)}`
}

function percent(share: number): string {
  return `${(100 * share).toFixed(1)} %`
}
