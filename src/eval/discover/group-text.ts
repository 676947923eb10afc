/** What is read of a group of requests to find its kind. Pure. */
import { type AnswerShape, answerShape, REPEATS } from './answer-shape.ts'
import type { RequestGroup } from './group.ts'

/** What is read of a group at once. */
export interface GroupText {
  /** All that is constant: system prompt and frame of what is asked. */
  readonly instructions: string
  /** Last words of the persons, some. */
  readonly inputs: readonly string[]
  /** Worked examples and recorded answers. */
  readonly shots: AnswerShape | null
  readonly answers: AnswerShape | null
  readonly answerCount: number
  readonly maxTokens: number | null
  readonly wantsJson: boolean
  readonly schema: Readonly<Record<string, unknown>> | null
  readonly toolShare: number
  readonly toolCallShare: number | null
}

export function readGroup({ members, system, systemPieces, userPieces }: RequestGroup): GroupText {
  const answered = members.flatMap(({ seen, parts }) =>
    seen.answer?.text ? [{ input: parts.asked, output: seen.answer.text }] : [],
  )
  const withAnswer = members.filter(({ seen }) => seen.answer !== null)
  const called = withAnswer.filter(({ seen }) => (seen.answer?.tools.length ?? 0) > 0)
  const schemas = members.map(({ seen }) => seen.request.responseSchema)
  const schema = schemas.find((one) => typeof one === 'object')
  const limits = members.flatMap(({ seen }) => seen.request.maxOutputTokens ?? [])
  return {
    instructions: [system ?? systemPieces.join('\n'), userPieces.join('\n')].filter((text) => text !== '').join('\n'),
    inputs: members.slice(0, 60).map(({ parts }) => parts.asked),
    shots: answerShape(constantTurns(members.map(({ parts }) => parts.turns)) ?? [], REPEATS.examples),
    answers: answerShape(answered, REPEATS.traffic),
    answerCount: answered.length,
    maxTokens: limits.length === members.length ? Math.max(...limits) : null,
    wantsJson: schemas.filter((one) => one !== undefined).length > members.length / 2,
    schema: typeof schema === 'object' ? schema : null,
    toolShare: members.filter(({ parts }) => parts.tools.length > 0).length / members.length,
    toolCallShare: withAnswer.length > 0 ? called.length / withAnswer.length : null,
  }
}

type Turns = readonly { readonly input: string; readonly output: string }[]

/** Turns that stand in every request are worked examples, not a conversation. */
export function constantTurns(all: readonly Turns[]): Turns | null {
  const [first] = all
  if (!first || first.length === 0) return null
  const kept = first.filter((turn) =>
    all.every((turns) => turns.some(({ input, output }) => input === turn.input && output === turn.output)),
  )
  return kept.length > 0 && all.length > 1 ? kept : null
}
