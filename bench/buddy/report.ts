/** What the three ways came to: tokens, F1, span recall, harm, and whether the switch-off rule would have fired. */
import { auroc } from '../../src/learn/quality.ts'
import { type Compared, figuresOf, reasonOff } from '../../src/patterns/buddy-balance.ts'
import { switchText } from '../../src/spec/buddy.ts'
import { buddySchema } from '../../src/spec/policy-buddy.ts'
import { NO_ANSWER } from '../../src/spec/reading.ts'
import { bootstrap, bootstrapRatio, squadEm, squadF1, wilson } from '../tasks/metrics.ts'
import type { OracleCall, Question } from './oracle.ts'

/** One question answered one way. */
export interface Answered {
  readonly answer: string
  readonly route: string
  readonly did: Readonly<Record<string, unknown>>
  /** The local answer; null when no local model was asked. */
  readonly draft: string | null
  /** Of the local answer, 0 to 1; null when unknown. */
  readonly score: number | null
  readonly calls: readonly OracleCall[]
}

export interface RunRow {
  readonly row: Question
  readonly buddy: Answered
  /** The same gate, and plain escalation of what it rejects. */
  readonly plain: Answered
  /** Every request whole to the frontier. */
  readonly full: Answered
}

/** A span answer that shares half its words with the right one is counted right, as in the published study. */
const RIGHT_F1 = 0.5

export function report(rows: readonly RunRow[]): unknown {
  const asked = rows.filter(({ buddy }) => Number(buddy.did.questions ?? 0) > 0)
  const spans = asked.flatMap(({ buddy }) => buddy.calls.filter(({ kind }) => kind === 'span'))
  const answerable = asked.filter(({ row }) => row.answers.length > 0)
  const first = answerable.flatMap(({ buddy }) => buddy.calls.filter(({ kind }) => kind === 'span').slice(0, 1))
  const found = spans.filter((call) => call.found)
  const grounded = found.filter(({ isGrounded }) => isGrounded !== null)
  const drafts = rows.flatMap(({ row, buddy }) =>
    buddy.draft === null ? [] : [{ probability: buddy.score ?? 0, isCorrect: isRight(row, buddy.draft) }],
  )
  return {
    n: rows.length,
    full: sums(rows, 'full'),
    plain: sums(rows, 'plain'),
    buddy: {
      ...sums(rows, 'buddy'),
      outcomes: counts(
        rows.map(({ buddy }) => String(buddy.did.outcome ?? (buddy.route === 'local' ? 'accepted' : buddy.route))),
      ),
      asked: asked.length,
      questions: spans.length,
    },
    tokensOfFull: ratio(rows, (one) => [tokens(one.buddy), tokens(one.full)]),
    tokensOfPlain: ratio(rows, (one) => [tokens(one.buddy), tokens(one.plain)]),
    f1OfFull: ratio(rows, ({ row, buddy, full }) => [f1(row, buddy.answer), f1(row, full.answer)]),
    f1OfPlain: ratio(rows, ({ row, buddy, plain }) => [f1(row, buddy.answer), f1(row, plain.answer)]),
    /** Of the first passages that were sent, how many held the answer. */
    firstQuestionFinds: share(first.filter((call) => call.found).length, first.length),
    /** Of answers found, how many came with every paragraph that they follow from: a real frontier may know less from the others. */
    groundedInAll: share(grounded.filter(({ isGrounded }) => isGrounded).length, grounded.length),
    spanRecall: spanRecall(asked),
    harm: harm(asked),
    local: {
      f1: mean(rows.map(({ row, buddy }) => f1(row, buddy.draft ?? ''))),
      aurocOfScore: round(auroc(drafts) ?? Number.NaN),
    },
    switchOff: switchOff(asked),
  }
}

function sums(rows: readonly RunRow[], way: 'full' | 'plain' | 'buddy') {
  const calls = rows.flatMap((one) => one[way].calls)
  const scores = rows.map((one) => f1(one.row, one[way].answer) * 100)
  const interval = bootstrap(scores)
  return {
    inputTokens: calls.reduce((sum, call) => sum + call.inputTokens, 0),
    outputTokens: calls.reduce((sum, call) => sum + call.outputTokens, 0),
    frontierCalls: calls.length,
    f1: round(mean(scores)),
    f1Interval: interval?.map(round) ?? null,
    em: round(100 * mean(rows.map((one) => squadEm(textOf(one[way].answer), one.row.answers)))),
  }
}

/** Of wrong answers that were asked about: whether the right words in the place of the spans make a right answer. */
function spanRecall(asked: readonly RunRow[]) {
  const wrong = asked.filter(({ row, buddy }) => buddy.draft !== null && !isRight(row, buddy.draft))
  const held = wrong.filter(({ row, buddy }) => {
    const [span] = (buddy.did.spans ?? []) as readonly (readonly [string, number, number, number | null])[]
    if (!span || buddy.draft === null) return false
    const [, start, end] = span
    return isRight(row, buddy.draft.slice(0, start) + (row.answers[0] ?? NO_ANSWER) + buddy.draft.slice(end))
  })
  return share(held.length, wrong.length)
}

function harm(asked: readonly RunRow[]) {
  const settled = asked.filter(({ buddy }) => buddy.did.outcome === 'corrected' || buddy.did.outcome === 'confirmed')
  const harmed = settled.filter(({ row, buddy }) => isRight(row, buddy.draft ?? '') && !isRight(row, buddy.answer))
  return {
    ...share(harmed.length, settled.length),
    draftRight: settled.filter(({ row, buddy }) => isRight(row, buddy.draft ?? '')).length,
  }
}

/** The rule of the product, fed with these rows as its audit sample would. */
function switchOff(asked: readonly RunRow[]) {
  const compared = asked.map(
    ({ row, buddy, plain }, index): Compared => ({
      requestId: String(index),
      draftRight: isRight(row, buddy.draft ?? ''),
      right: isRight(row, buddy.answer),
      cost: { own: { usd: null, tokens: spent(buddy) }, plain: { usd: null, tokens: spent(plain) } },
    }),
  )
  const { switchOff: rule } = buddySchema.parse({})
  const figures = figuresOf(compared)
  const why = reasonOff(figures, rule)
  return { fires: why, text: why && switchText({ why, figures }), minCompared: rule.minCompared, ...figures }
}

function spent({ calls }: Answered): number {
  return calls.reduce((sum, call) => sum + call.inputTokens + call.outputTokens, 0)
}

function tokens({ calls }: Answered): number {
  return calls.reduce((sum, call) => sum + call.inputTokens, 0)
}

function isRight(row: Question, answer: string): boolean {
  return f1(row, answer) >= RIGHT_F1
}

function f1(row: Question, answer: string): number {
  return squadF1(textOf(answer), row.answers)
}

function textOf(answer: string): string | null {
  return answer === NO_ANSWER ? null : answer
}

function ratio(rows: readonly RunRow[], of: (row: RunRow) => readonly [number, number]) {
  const pairs = rows.map(of)
  const [above, below] = [0, 1].map((at) => pairs.reduce((sum, pair) => sum + (pair[at] ?? 0), 0))
  return { ratio: round((above ?? 0) / (below || 1)), interval: bootstrapRatio(pairs)?.map(round) ?? null }
}

function share(part: number, n: number) {
  return { share: n === 0 ? null : round(part / n), n, interval: wilson(part, n)?.map(round) ?? null }
}

function counts(words: readonly string[]): Readonly<Record<string, number>> {
  const found: Record<string, number> = {}
  for (const word of words) found[word] = (found[word] ?? 0) + 1
  return found
}

function mean(values: readonly number[]): number {
  return values.length === 0 ? 0 : values.reduce((sum, value) => sum + value, 0) / values.length
}

function round(value: number): number {
  return Math.round(value * 1000) / 1000
}
