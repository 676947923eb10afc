/** `spillway ask`: one request, answered or held, with the reason. */

import { type DecideRequest, inputText, type RouterRequest } from '../spec/request.ts'
import type { DecideOutcome, Outcome } from '../spec/response.ts'
import { answerQuestion, type Question } from './answer-question.ts'
import { type AddCommand, addCommand, type CliContext } from './context.ts'
import { ExitCode } from './failure.ts'
import {
  attemptText,
  dollars,
  escalationText,
  type OutcomeJson,
  outcomeJson,
  qualityOf,
  summaryText,
  verdictText,
} from './outcome-text.ts'
import {
  addRequestOptions,
  labelsFromFlags,
  type RequestFlags,
  requestFromFlags,
  typedFromFlags,
} from './request-options.ts'

interface AskFlags extends RequestFlags {
  readonly json?: true
  readonly stream?: true
  readonly explain?: true
  readonly qualityCheck?: true
}

const HELD = 5 // Blocked by policy.

export const addAsk: AddCommand = (program, context) => {
  addRequestOptions(
    addCommand(program, 'ask [prompt...]', 'answer one request; - or a pipe reads the prompt from stdin'),
  )
    .option('--stream', 'print the answer as it comes; text that a gate rejects is never printed')
    .option('--quality-check', 'print confidence, issues, and tier and cost of each attempt')
    .option('--explain', 'print every removal, attempt and verdict behind the answer')
    .action((words: readonly string[], flags: AskFlags) => ask(words, flags, context))
}

async function ask(words: readonly string[], flags: AskFlags, context: CliContext): Promise<void> {
  const request = await requestFromFlags(words, flags)
  const { question, streamed } = questionFor(request, flags, context)
  const outcome = await answerQuestion(question, flags.policy, context)
  if (flags.json) context.terminal.json(jsonOf(outcome, flags))
  else talk(outcome, { flags, streamed: streamed() }, context)
  if (outcome.decision.route === 'held') throw new ExitCode(HELD)
}

interface Asking {
  readonly question: Question
  /** Whether text of the answer is on stdout already. */
  readonly streamed: () => boolean
}

/** `--json` prints one object at the end, so there is nothing to stream. */
function questionFor(request: RouterRequest, flags: AskFlags, context: CliContext): Asking {
  const labels = labelsFromFlags(flags)
  let streamed = false
  const onDelta = (delta: string): void => {
    streamed = true
    context.terminal.write(delta)
  }
  const typed = { ...typedFromFlags(flags), ...(labels && { options: labels }) }
  if (Object.keys(typed).length > 0)
    return { question: { kind: 'decide', request: decideRequest(request, typed) }, streamed: () => false }
  if (flags.stream && !flags.json) return { question: { kind: 'stream', request, onDelta }, streamed: () => streamed }
  return { question: { kind: 'complete', request }, streamed: () => false }
}

function decideRequest(request: RouterRequest, typed: Partial<DecideRequest>): DecideRequest {
  const { task } = request.metadata ?? {}
  return {
    input: inputText(request.messages),
    ...typed,
    ...(task ? { task } : {}),
    ...(request.metadata ? { metadata: request.metadata } : {}),
  }
}

function jsonOf(outcome: Outcome | DecideOutcome, flags: AskFlags): OutcomeJson {
  return { ...outcomeJson(outcome), ...(flags.qualityCheck ? { quality: qualityOf(outcome) } : {}) }
}

interface Telling {
  readonly flags: AskFlags
  /** The answer is on stdout already, without a line break at its end. */
  readonly streamed: boolean
}

function talk(outcome: Outcome, telling: Telling, context: CliContext): void {
  const { terminal } = context
  if (telling.streamed) terminal.print('')
  if (telling.streamed && outcome.corrections) terminal.say('the answer above was corrected; it is now:')
  if ((!telling.streamed || outcome.corrections) && outcome.answer !== null) terminal.print(outcome.answer)
  const style = outcome.decision.route === 'held' ? 'red' : outcome.decision.degraded ? 'yellow' : 'dim'
  terminal.say(terminal.paint(style, summaryText(outcome)))
  for (const line of closing(outcome)) terminal.say(line)
  if (telling.flags.qualityCheck) for (const line of qualityLines(outcome)) terminal.say(line)
  if (telling.flags.explain) for (const line of explainLines(outcome)) terminal.say(line)
}

/** What the caller must know even without --explain. */
function closing(outcome: Outcome): readonly string[] {
  const escalation = escalationText(outcome)
  return [
    ...(escalation ? [escalation] : []),
    ...(outcome.decision.route === 'held' ? [`held for a human: \`spillway why ${outcome.requestId}\` shows why`] : []),
    ...(outcome.held ? [`\`spillway review held\` decides on it, until ${outcome.held.expiresAt}`] : []),
    ...(outcome.approvalRequired ? ['this action cannot be undone: ask a person before acting on the answer'] : []),
  ]
}

function qualityLines(outcome: Outcome): readonly string[] {
  const { confidence, issues } = qualityOf(outcome)
  return [
    `confidence ${confidence === null ? 'not measured' : confidence.toFixed(2)}`,
    ...(issues.length === 0 ? ['issues none'] : issues.map((issue) => `issue ${issue}`)),
    ...outcome.attempts.map((attempt) => `attempt ${attemptText(attempt)}`),
    `cost ${dollars(outcome.costUsd)}`,
  ]
}

function explainLines(outcome: Outcome): readonly string[] {
  return [
    ...outcome.hardStops.map((hit) => `hard stop ${hit.kind}: "${hit.term}" in ${hit.field}`),
    ...outcome.removals.map(
      (item) => `removed ${item.actor} from ${item.set} (${item.rule}, ${item.reason}): ${item.detail}`,
    ),
    ...outcome.attempts.map((attempt) => `attempt ${attemptText(attempt)}`),
    ...outcome.verdicts.map((verdict) => `gate ${verdictText(verdict)}`),
  ]
}
