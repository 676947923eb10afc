/**
 * A frontier that is not called. It holds one belief about each question, right with a stated probability, and everything it says
 * follows from it: answers, verdicts on drafts, advice and answers about spans.
 */
import { BINDING_WORDS, PLAN_WORDS, REVIEW_WORDS } from '../../patterns/advice.ts'
import { FROM_PASSAGE } from '../../patterns/buddy-question.ts'
import { VERDICT_WORDS } from '../../patterns/draft-verify.ts'
import type { ModelCall, ModelPort } from '../../spec/ports.ts'
import { NO_ANSWER } from '../../spec/reading.ts'
import { messageText } from '../../spec/request.ts'
import { type Estimate, standInFrontier } from '../run/frontier-stand-in.ts'
import { drawOf, mistaken } from './belief.ts'
import { judge } from './judge.ts'
import type { StudyRow } from './sets.ts'

export interface SimulatedFrontier {
  readonly name: string
  /** Frontiers of one mind believe the same of every question. */
  readonly mind: string
  /** The id that prices are looked up by. */
  readonly model: string
  /** The question that is being asked. */
  readonly current: () => StudyRow | null
  /** Probability of a right belief, 0 to 1. */
  readonly accuracy: number
  /** The same for a question about a document that it was not sent. */
  readonly closedBookAccuracy: number
  /** A recorded answer of the question, in place of the draw; null: none is recorded. */
  readonly recorded: (row: StudyRow) => string | null
  readonly seed: number
  readonly estimate: Estimate
}

export function simulatedFrontier(frontier: SimulatedFrontier): ModelPort {
  const { name, model, current, estimate } = frontier
  const says = (call: ModelCall): string => {
    const row = current()
    return row ? saidTo(call, row, frontier) : ''
  }
  return standInFrontier({ name, model, says, estimate })
}

/** Of a call that is not made, in milliseconds: so long until the first word, and so long for each token. Assumed, not measured. */
export const SIMULATED_MS = { first: 600, token: 15 } as const

function saidTo(call: ModelCall, row: StudyRow, frontier: SimulatedFrontier): string {
  const prompt = call.messages.map(messageText).join('\n')
  if (prompt.startsWith(FROM_PASSAGE.slice(0, 30)) || /^Doubtful: /m.test(prompt))
    return spanReply(prompt, believed(row, frontier.accuracy, frontier), row)
  const sees = row.context === undefined || prompt.includes(row.context.slice(0, SEEN_CHARS))
  const belief = believed(row, sees ? frontier.accuracy : frontier.closedBookAccuracy, frontier)
  const plan = prompt.split(BINDING_WORDS)[1]
  if (plan !== undefined && !prompt.includes(REVIEW_WORDS)) return PLANNED.exec(plan)?.[1] ?? answerOf(belief, prompt)
  if (prompt.includes(VERDICT_WORDS)) return isRight(belief, between(prompt, 'draft')) ? 'ACCEPT' : 'REJECT'
  if (prompt.includes(REVIEW_WORDS))
    return isRight(belief, between(prompt, 'answer')) ? 'APPROVE' : `REDO\n${planOf(belief)}`
  if (prompt.includes(PLAN_WORDS)) return planOf(belief)
  return answerOf(belief, prompt)
}

const SEEN_CHARS = 300

/** The row with what the frontier takes for right in the place of what is. */
function believed(row: StudyRow, accuracy: number, { mind, seed, recorded }: SimulatedFrontier): StudyRow {
  const said = recorded(row)
  if (said !== null) return { ...row, answers: [said] }
  return drawOf(row.id, mind, seed) < accuracy ? row : mistaken(row)
}

function isRight(belief: StudyRow, draft: string): boolean {
  return judge(belief, draft).isCorrect
}

function between(prompt: string, mark: string): string {
  const start = prompt.lastIndexOf(`<<<${mark}\n`) + mark.length + 4
  return prompt.slice(start, prompt.lastIndexOf(`\n${mark}>>>`))
}

function planOf(belief: StudyRow): string {
  return `1. Replace the answer: the right one is ${shortAnswer(belief)}.\n2. Say that and nothing else.`
}

/** What a plan says the answer is. */
const PLANNED = /the right one is ([\s\S]*?)\.\n2\. /

function shortAnswer({ set, answers, meta }: StudyRow): string {
  if (set === 'wikigold')
    return meta.entities?.map(({ text, label }) => `${label}: ${text}`).join('\n') || 'that there is no name'
  return answers[0] ?? 'none'
}

/** In the form that was asked for, as long as an answer of this kind is: worked out where it was to be. */
function answerOf(belief: StudyRow, prompt: string): string {
  const { set, answers, meta } = belief
  if (set === 'wikigold') return JSON.stringify(meta.entities?.map(({ text, label }) => ({ text, label })) ?? [])
  if (set === 'stsb') {
    const isLabel = prompt.includes('very similar, similar or dissimilar')
    return isLabel ? (answers[0] ?? '') : ((meta.score ?? 0) / 5).toFixed(3)
  }
  if (set === 'gsm8k') {
    const worked = (meta.solution ?? '').replace(/<<[^>]*>>/g, '').replace(/\n?####.*$/s, '')
    return `${worked}\nAnswer: ${answers[0] ?? ''}`
  }
  return answers[0] ?? NO_ANSWER
}

/**
 * It is silent unless the passage holds what it would say and, where the answer follows from several paragraphs, all of them. It
 * knows the end of a calculation, not the steps before: those it does not correct.
 */
function spanReply(prompt: string, belief: StudyRow, row: StudyRow): string {
  const at = prompt.indexOf('\nPassage:\n')
  const [value] = belief.answers
  if (value === undefined) return NOTHING
  if (at < 0) return isEnd(prompt, row) ? JSON.stringify({ value }) : NOTHING
  const passage = prompt.slice(at + '\nPassage:\n'.length)
  if (!(row.meta.supporting ?? []).every((title) => passage.includes(`[${title}]`))) return NOTHING
  if (/^(?:yes|no)$/i.test(value)) {
    const evidence = passage.split(/\n/)[0]?.slice(0, EVIDENCE_CHARS) ?? ''
    return JSON.stringify({ value, evidence, at: 0 })
  }
  const said = belief.answers.find((answer) => passage.includes(answer))
  return said === undefined ? NOTHING : JSON.stringify({ value: said, evidence: said, at: passage.indexOf(said) })
}

const NOTHING = JSON.stringify({ value: null, evidence: null, at: null })
const EVIDENCE_CHARS = 40

/** A closed answer is a whole; of a calculation only what no number follows. */
function isEnd(prompt: string, { set }: StudyRow): boolean {
  if (set !== 'gsm8k') return true
  const draft = /^Draft: ([\s\S]*?)\nDoubtful: /m.exec(prompt)?.[1]
  const after = draft?.split(']]')[1]
  return after !== undefined && !/\d/.test(after) && /\d/.test(draft?.split('[[')[1]?.split(']]')[0] ?? '')
}
