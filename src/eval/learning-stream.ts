/**
 * A task that learns from what overflows, request by request: the same fits, bounds, audit draws and closing rule as in
 * the router, over answers that are known beforehand. Pure.
 */
import { acceptThreshold, confidenceOfRefit, type ErrorBound, type ScoredLabel } from '../learn/bounds.ts'
import { mayLose, pairedGain } from '../learn/paired.ts'
import { logEvidenceAbove } from '../learn/sequence.ts'
import { fitHeadHoldingOut, type Head, predictHead } from '../learn/softmax-head.ts'

/** One request as the local model reads it, and its right label. */
export interface StreamExample {
  readonly id: string
  /** One vector a way of reading; their heads' opinions are multiplied. */
  readonly vectors: readonly ArrayLike<number>[]
  readonly label: string
}

export interface LearningSettings {
  readonly options: readonly string[]
  readonly bound: ErrorBound
  /** Share of would-be accepts that the frontier answers all the same, 0 to 1. */
  readonly auditRate: number
  /** Requests after which everything is fitted anew, ascending. */
  readonly refitAt: readonly number[]
  /** Share of the fair labels that trains heads, 0 to 1, exclusive; the rest proves. */
  readonly trainShare: number
  /** Regularisation of the heads; chosen by cross-validation in each fit when absent. */
  readonly strength?: number
  /** A number from 0 to 1 for every audit draw. */
  readonly random: () => number
  /** A number from 0 to 1 that depends on the id alone: which part a label belongs to. */
  readonly fractionOf: (id: string) => number
}

export interface LearningRun {
  readonly requests: number
  /** Share of the last `WINDOW` requests that were answered locally, after each tenth of the stream. */
  readonly localShares: readonly number[]
  readonly accepted: number
  readonly acceptedWrong: number
  readonly auditCalls: number
  /** Requests seen when a gate was closed by its audits. */
  readonly closings: readonly number[]
  readonly fits: readonly LearningFit[]
}

export interface LearningFit {
  readonly atRequest: number
  readonly trainedOn: number
  readonly provenOn: number
  /** Share of the proof labels above the threshold; null when no threshold is proven. */
  readonly coverage: number | null
  /** False when the heads before stayed in force, because the new ones did not show that they lose nothing. */
  readonly isPromoted: boolean
}

/** Requests over which a share is taken. */
export const WINDOW = 200

/**
 * Every example is one request, in the order given. Labels are only known of requests that the frontier answered. Until
 * a threshold is proven it answers all of them, so all labels are fair; afterwards only audited ones are. Of the fair
 * labels, a part trains heads (together with all unfair ones) and the rest proves the threshold, each label for ever the
 * same.
 */
export function learnFromStream(examples: readonly StreamExample[], settings: LearningSettings): LearningRun {
  const state: State = { train: [], fair: new Set(), proof: [], gate: null, watch: { n: 0, errors: 0 }, refits: 0 }
  const served: boolean[] = []
  const fits: LearningFit[] = []
  const closings: number[] = []
  let [acceptedWrong, auditCalls] = [0, 0]
  for (const [index, example] of examples.entries()) {
    const opinion = state.gate && opinionOf(state.gate.heads, example)
    const wouldAccept = opinion !== null && state.gate !== null && opinion.probability >= state.gate.threshold
    const isSampled = settings.random() < settings.auditRate
    const isLocal = wouldAccept && !isSampled
    served.push(isLocal)
    if (isLocal && opinion.value !== example.label) acceptedWrong++
    if (wouldAccept && isSampled) {
      auditCalls++
      if (watched(state, opinion.value !== example.label, settings.bound)) closings.push(index + 1)
    }
    if (!isLocal) keep(state, example, { isFair: state.gate === null || isSampled, settings })
    if (settings.refitAt.includes(index + 1)) fits.push(refit(state, index + 1, settings))
  }
  return {
    requests: examples.length,
    localShares: Array.from({ length: 10 }, (_, tenth) =>
      shareBefore(served, Math.round(((tenth + 1) * served.length) / 10)),
    ),
    accepted: served.filter(Boolean).length,
    acceptedWrong,
    auditCalls,
    closings,
    fits,
  }
}

interface Gate {
  readonly heads: readonly Head[]
  readonly threshold: number
  readonly coverage: number
}

interface State {
  readonly train: StreamExample[]
  /** Those of `train` whose labels are fair. */
  readonly fair: Set<StreamExample>
  readonly proof: StreamExample[]
  gate: Gate | null
  watch: { n: number; errors: number }
  refits: number
}

function keep(
  state: State,
  example: StreamExample,
  { isFair, settings }: { readonly isFair: boolean; readonly settings: LearningSettings },
): void {
  const trains = !isFair || settings.fractionOf(example.id) < settings.trainShare
  const part = trains ? state.train : state.proof
  part.push(example)
  if (isFair && trains) state.fair.add(example)
}

/** @returns true when this label closed the gate */
function watched(state: State, isWrong: boolean, { maxErrorRate, confidence }: ErrorBound): boolean {
  const { watch } = state
  watch.n += 1
  watch.errors += isWrong ? 1 : 0
  const isBroken = logEvidenceAbove(watch.errors, watch.n, maxErrorRate) >= -Math.log(1 - confidence)
  if (isBroken) state.gate = null
  return isBroken
}

/**
 * Tests the bound only when there is hope: when the labels that trained would pass it by heads that did not see them.
 * They are other labels than those of the proof, so the look costs none of the error budget, and no test is wasted.
 */
function refit(state: State, atRequest: number, settings: LearningSettings): LearningFit {
  const { train, proof } = state
  const sizes = { atRequest, trainedOn: train.length, provenOn: proof.length }
  const { heads, heldOut } = fitHeads(train, settings)
  // Unfair labels are those that a gate rejected: harder than the rest.
  const likeAll = heldOut.filter((_, row) => train[row] && state.fair.has(train[row]))
  const bound = { ...settings.bound, confidence: confidenceOfRefit(settings.bound.confidence, state.refits + 1) }
  const hoped = acceptThreshold(repeated(likeAll, proof.length), bound)
  if (hoped === null) return { ...sizes, coverage: null, isPromoted: false }
  state.refits += 1
  const scored = proof.map((example) => scoredBy(opinionOf(heads, example), example))
  const proven = acceptThreshold(scored, bound, startsFor(hoped.coverage))
  const isPromoted = proven !== null && isBetter({ heads, ...proven }, state.gate, proof)
  if (isPromoted) {
    state.gate = { heads, ...proven }
    state.watch = { n: 0, errors: 0 }
  }
  return { ...sizes, coverage: proven?.coverage ?? null, isPromoted }
}

/** As many labels as the proof has, so that hope does not ask for more than the proof will. */
function repeated(labels: readonly ScoredLabel[], count: number): readonly ScoredLabel[] {
  const times = Math.max(1, Math.round(count / Math.max(1, labels.length)))
  return Array.from({ length: times }, () => labels).flat()
}

/** Near where the labels that trained say the bound holds: runs that start elsewhere waste their part of the budget. */
function startsFor(coverage: number): readonly number[] {
  return [0.5 * coverage, 0.8 * coverage]
}

function scoredBy({ value, probability }: Opinion, { label }: StreamExample): ScoredLabel {
  return { score: probability, isCorrect: value === label }
}

/** The proof of the gate before still holds, so a new one has to accept more, and by heads that are no worse. */
function isBetter(next: Gate, before: Gate | null, proof: readonly StreamExample[]): boolean {
  return before === null || (next.coverage > before.coverage && !loses(before.heads, next.heads, proof))
}

/** New heads come into force only when the paired 90 % interval excludes a loss of more than one point of accuracy. */
function loses(before: readonly Head[], after: readonly Head[], proof: readonly StreamExample[]): boolean {
  const isRight = (heads: readonly Head[], example: StreamExample): boolean =>
    opinionOf(heads, example).value === example.label
  const pairs = proof.map((example) => ({ before: isRight(before, example), after: isRight(after, example) }))
  return mayLose(pairedGain(pairs))
}

interface Heads {
  readonly heads: readonly Head[]
  readonly heldOut: readonly ScoredLabel[]
}

function fitHeads(train: readonly StreamExample[], { options, strength }: LearningSettings): Heads {
  const labels = train.map(({ label }) => label)
  const fits = (train[0]?.vectors ?? []).map((_, view) => {
    const vectors = train.map((example) => example.vectors[view] ?? [])
    return fitHeadHoldingOut({ vectors, labels, options, ...(strength !== undefined && { strength }) })
  })
  return {
    heads: fits.map(({ head }) => head),
    heldOut: train.map((example, row) => {
      const opinions = fits.map(({ heldOut }) => options.map((_, option) => heldOut[row]?.[option] ?? 0))
      return scoredBy(together(options, opinions), example)
    }),
  }
}

interface Opinion {
  readonly value: string
  readonly probability: number
}

function opinionOf(heads: readonly Head[], { vectors }: StreamExample): Opinion {
  const [first] = heads
  const options = first?.options ?? []
  const opinions = heads.map((head, view) => {
    const found = new Map(predictHead(head, vectors[view] ?? []).map(({ value, probability }) => [value, probability]))
    return options.map((option) => found.get(option) ?? 0)
  })
  return together(options, opinions)
}

/** The heads' probabilities multiplied, each to a power, and made to sum to 1; see `head-decider.ts`. */
function together(options: readonly string[], opinions: readonly (readonly number[])[]): Opinion {
  const power = opinions.length === 1 ? 1 : TRUST
  const logs = options.map((_, option) =>
    opinions.reduce((sum, opinion) => sum + power * Math.log(Math.max(opinion[option] ?? 0, Number.MIN_VALUE)), 0),
  )
  const most = Math.max(...logs)
  const total = logs.reduce((sum, log) => sum + Math.exp(log - most), 0)
  return { value: options[logs.indexOf(most)] ?? '', probability: 1 / total }
}

/** Two heads over one text err together more often than by chance; at full power they would claim too much. */
const TRUST = 0.75

function shareBefore(served: readonly boolean[], end: number): number {
  const window = served.slice(Math.max(0, end - WINDOW), end)
  return window.filter(Boolean).length / window.length
}
