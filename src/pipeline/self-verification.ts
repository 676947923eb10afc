/** Asking a model whether an answer is right: the probability of yes, read from its distribution where that can be. */
import { excerptForDecision } from '../classify/excerpt.ts'
import type { Vote } from '../gates/opinions.ts'
import type { OptionProbability } from '../spec/decision.ts'
import type { TaskPolicy } from '../spec/policy.ts'
import { DEFAULT_CONTEXT_TOKENS } from '../spec/policy-models.ts'
import { messageText, type RouterRequest } from '../spec/request.ts'
import { generateOnce, type Reader } from './exchange.ts'
import { type Asking, mayAsk, modelNamed, opinionOf } from './opinion-context.ts'
import type { Run } from './run.ts'
import { promptFor } from './task-prompt.ts'

type Judge = NonNullable<TaskPolicy['judge']>

/** One vote for each wording and order; all are cast, because the mean is a signal also where it is settled. */
export async function judgeVotes(asking: Asking, judge: Judge): Promise<readonly Vote[]> {
  const model = modelNamed(asking, judge.by)
  const votes: Vote[] = []
  for (const question of questionsOf(judge)) votes.push(await voteOn(asking, model, question))
  return votes
}

/** The self-critique of the weighted quality check: one vote on "is this valid?". */
export async function critiqueOf(asking: Asking, { by }: NonNullable<TaskPolicy['quality']>): Promise<Vote> {
  const wording = { text: 'Is the proposed answer a valid answer to the question?', good: 'yes', bad: 'no' }
  return voteOn(asking, modelNamed(asking, by), { ...wording, options: ['yes', 'no'], shots: [] })
}

/** Whether an answer says the same as another one that is taken to be right. */
export function referenceVote(asking: Asking, by: string, reference: string): Promise<Vote> {
  const said = excerptForDecision(reference, MAX_REFERENCE_CHARS)
  const text = `A good answer is: ${JSON.stringify(said)}. Does the proposed answer say the same?`
  return voteOn(asking, modelNamed(asking, by), { text, good: 'yes', bad: 'no', options: ['yes', 'no'], shots: [] })
}

/** As long as an answer that a small model can compare with another. */
const MAX_REFERENCE_CHARS = 1500

interface Wording {
  readonly text: string
  /** What a model says of a right answer, and of a wrong one. */
  readonly good: string
  readonly bad: string
}

interface Question extends Wording {
  /** Good and bad, in the order in which the question names them. */
  readonly options: readonly string[]
  readonly shots: Judge['shots']
}

/** One of them asks for the mistake, so that a model that says yes to everything does not pass. */
const WORDINGS: readonly Wording[] = [
  { text: 'Is the proposed answer to the question correct?', good: 'yes', bad: 'no' },
  { text: 'Does the proposed answer hold a mistake?', good: 'no', bad: 'yes' },
  { text: 'Judge the proposed answer to the question.', good: 'correct', bad: 'wrong' },
  { text: 'The proposed answer follows from the question: true or false?', good: 'true', bad: 'false' },
]

/** Wordings change from vote to vote, then orders; a question that would be put twice in the same way is put once. */
function questionsOf({ votes, prompt, shots }: Judge): readonly Question[] {
  const wordings = prompt?.map((text): Wording => ({ text, good: 'yes', bad: 'no' })) ?? WORDINGS
  const orders = wordings.flatMap((_, at) => [at, at + wordings.length])
  return orders
    .sort((a, b) => a - b)
    .slice(0, votes)
    .flatMap((at) => {
      const wording = wordings[at % wordings.length]
      if (!wording) return []
      const inOrder = [wording.good, wording.bad]
      const isTurned = at >= wordings.length
      return [
        { ...wording, options: isTurned ? inOrder.reverse() : inOrder, shots: isTurned ? shots.toReversed() : shots },
      ]
    })
}

async function voteOn(asking: Asking, model: string, question: Question): Promise<Vote> {
  const none: Vote = { model, probability: null }
  if (!mayAsk(asking, model)) return none
  const { roster } = asking.context.deps
  const adapter = model === asking.asked.model ? asking.context.run.task.adapter : undefined
  const reads = roster.port(model, { adapter }).decide !== undefined
  const request = judgeRequest(asking, model, question)
  const read = reads ? decideVote(request, question) : writeVote
  const found = await opinionOf(asking, 'judge', { model, request: request.written, prompt: 'own', read })
  if (!found) return none
  return { model, probability: reads ? (found.option?.probability ?? null) : saidGood(found.answer.text, question) }
}

interface JudgeRequest {
  readonly instruction: string
  readonly input: string
  /** The same for a model that writes. */
  readonly written: RouterRequest
}

function judgeRequest(asking: Asking, model: string, question: Question): JudgeRequest {
  const instruction = `${question.text} Answer ${question.options.join(' or ')}.`
  const input = caseText(asking, model, shotChars(question))
  const shots = question.shots.flatMap((shot) => {
    const { input: content, output } = workedCase(shot, question)
    return [
      { role: 'user', content },
      { role: 'assistant', content: output },
    ] as const
  })
  const written: RouterRequest = {
    messages: [{ role: 'system', content: instruction }, ...shots, { role: 'user', content: input }],
    maxOutputTokens: WRITTEN_TOKENS,
    temperature: 0,
  }
  return { instruction, input, written }
}

/** One word, and room for a model that opens with a phrase. */
const WRITTEN_TOKENS = 64

const writeVote: Reader = (exchange, limits) => generateOnce(exchange, limits)

function decideVote({ instruction, input }: JudgeRequest, question: Question): Reader {
  return async ({ port, model }, limits) => {
    if (!port.decide) throw new Error(`model ${port.name} cannot decide`)
    const shots = question.shots.map((shot) => workedCase(shot, question))
    const result = await port.decide({ instruction, shots, input, options: question.options }, limits)
    const good: OptionProbability | undefined = result.options.find(({ value }) => value === question.good)
    const { signals, usage, identity } = result
    const text = result.options[0]?.value ?? ''
    return {
      answer: { text, toolCalls: [], finishReason: 'stop', usage, signals, raw: null },
      // A tempered distribution is no probability.
      option: signals.fullDistribution ? (good ?? null) : null,
      identity: identity ?? { digest: null, quantisation: null, servedBy: model.policy.model },
      firstTokenMs: null,
    }
  }
}

/** 1 or 0 where a written vote names one of the two words, and neither the other nor a negation; else null. */
function saidGood(text: string, { good, bad }: Question): number | null {
  if (/\b(?:not|never|hardly|neither|nor)\b|n['\u2019]t\b/i.test(text)) return null
  const words = new Set(text.toLowerCase().match(/\p{L}+/gu) ?? [])
  if (words.has(good) === words.has(bad)) return null
  return words.has(good) ? 1 : 0
}

function workedCase(shot: Judge['shots'][number], { good, bad }: Wording): { input: string; output: string } {
  return {
    input: `Question: ${shot.question}\nProposed answer: ${shot.answer}`,
    output: shot.correct ? good : bad,
  }
}

function shotChars({ shots, text }: Question): number {
  return shots.reduce((sum, shot) => sum + shot.question.length + shot.answer.length + SHOT_FRAME_CHARS, text.length)
}

/** The words around a worked case. */
const SHOT_FRAME_CHARS = 48

/** Task, conversation and answer. A frontier sees all of it; what a local model's window does not hold is left out. */
function caseText({ context, asked }: Asking, model: string, usedChars: number): string {
  const { run, deps } = context
  const { policy } = deps.roster.model(model)
  const room =
    policy.tier === 'frontier'
      ? Number.POSITIVE_INFINITY
      : Math.max(LEAST_CHARS, CHARS_PER_TOKEN * (policy.contextTokens ?? DEFAULT_CONTEXT_TOKENS) - usedChars)
  const answer = excerptForDecision(
    asked.option?.value ?? answerText(asked.answer),
    Math.min(room / 3, MAX_ANSWER_CHARS),
  )
  const question = excerptForDecision(conversation(run.request), Math.min(room - answer.length, MAX_QUESTION_CHARS))
  const instruction = instructionOf(run, asked.model)
  return [
    ...(instruction === null ? [] : [`Task: ${instruction}`]),
    `Question: ${question}`,
    `Proposed answer: ${answer}`,
  ].join('\n')
}

/** Half of what a window holds at four characters a token: instruction, worked cases and odd scripts need the rest. */
const CHARS_PER_TOKEN = 2
const LEAST_CHARS = 1500
const MAX_ANSWER_CHARS = 20_000
const MAX_QUESTION_CHARS = 200_000

function answerText({ text, toolCalls }: Asking['asked']['answer']): string {
  return toolCalls.length === 0 ? text : toolCalls.map((call) => `${call.name} ${call.arguments}`).join('\n')
}

/** What the answer was asked to be: as the local model was told. */
function instructionOf(run: Run, model: string): string | null {
  const { system } = promptFor(run.task, model)
  if (system !== undefined) return system
  const callers = run.request.messages.filter(({ role }) => role === 'system' || role === 'developer').map(messageText)
  if (callers.length > 0) return callers.join('\n')
  return run.task.description ?? (run.options ? `Answer with one of: ${run.options.join(', ')}.` : null)
}

/** One message stands for itself; of several each says who wrote it. */
function conversation({ messages }: RouterRequest): string {
  const spoken = messages.filter(({ role }) => role === 'user' || role === 'assistant' || role === 'tool')
  if (spoken.length === 1) return spoken.map(messageText).join('')
  return spoken.map((message) => `${message.role}: ${messageText(message)}`).join('\n')
}
