/** `POST /v1/decisions`: answers read from the distribution of a local model, escalated like any other. */
import type { Usage } from '../spec/decision.ts'
import type { DecideRequest, RequestMetadata } from '../spec/request.ts'
import type { DecideOutcome } from '../spec/response.ts'
import type { RequestOptions, Router } from '../spec/router.ts'
import { readJsonBody } from './body.ts'
import { answered, answeredBy, spillwayField } from './completion.ts'
import { optionsOf, parseDecisions, type Question, subjectOf } from './decisions-wire.ts'
import type { Exchange } from './exchange.ts'
import { sendJson } from './failure.ts'
import { knownOf, setDecisionHeaders, setRequestId, setWarning } from './headers.ts'
import { metadataOf } from './metadata.ts'
import { chooseModel, type ModelChoice, type ReadSettings, warningOf, wishOf } from './model-choice.ts'
import { responseUsage } from './responses-answer.ts'

/** Questions of one request that are asked at the same time; a model on this machine has few places. */
const AT_ONCE = 4

interface Asked {
  readonly question: Question
  readonly request: DecideRequest
}

/** Questions of one body, each as the router takes it. */
export interface AskedDecisions {
  readonly asked: readonly Asked[]
  readonly choice: ModelChoice
  readonly metadata: RequestMetadata
}

export async function decisions(exchange: Exchange): Promise<void> {
  const { app, request: incoming } = exchange
  const raw = await readJsonBody(incoming, app.settings.maxBodyBytes)
  const { unknownModel } = app.settings
  const read = readDecisions(raw, { headers: incoming.headers, names: () => app.router.status(), unknownModel })
  await app.idempotency.once(exchange, {
    tenant: read.metadata.tenant ?? null,
    asked: [raw, read.metadata, incoming.headers['x-spillway-route']],
    answer: (own) => answerDecisions(own, read),
  })
}

/** @throws RouterError request_invalid, not_found */
export function readDecisions(raw: unknown, { headers, ...known }: ReadSettings): AskedDecisions {
  const body = parseDecisions(raw)
  const choice = chooseModel(body.model, known)
  const metadata = metadataOf(body.metadata ?? {}, headers)
  const task = metadata.task ?? choice.task
  const subject = subjectOf(body)
  const asked = body.questions.map((question, index): Asked => {
    const { instruction, options } = optionsOf(question, { path: `questions.${index}`, subject })
    const request = { input: subject.text, instruction, options, metadata, ...(task !== undefined && { task }) }
    return { question, request: { ...request, ...wishOf(choice) } }
  })
  return { asked, choice, metadata }
}

async function answerDecisions({ app, response, requestId, signal }: Exchange, read: AskedDecisions): Promise<void> {
  const { asked, choice } = read
  const outcomes = await decideAll(app.router, asked, { signal })
  const [only] = outcomes
  // Of several, those that may be answered are; the others say why not.
  if (outcomes.length === 1 && only) {
    answered(only)
    setDecisionHeaders(response, { ...knownOf(only), warning: warningOf(choice, only) })
  } else {
    setRequestId(response, requestId)
    setWarning(response, choice.warning)
  }
  sendJson(response, 200, decisionsBody(asked, outcomes))
}

export async function decideAll(
  router: Pick<Router, 'decide'>,
  asked: AskedDecisions['asked'],
  options: RequestOptions,
): Promise<readonly DecideOutcome[]> {
  const outcomes: DecideOutcome[] = []
  const shared = { ...options, taken: { usd: 0 } }
  for (let at = 0; at < asked.length; at += AT_ONCE) {
    const some = asked.slice(at, at + AT_ONCE)
    outcomes.push(...(await Promise.all(some.map(({ request }) => router.decide(request, shared)))))
  }
  return outcomes
}

export function decisionsBody(asked: AskedDecisions['asked'], outcomes: readonly DecideOutcome[]) {
  return {
    model: [...new Set(outcomes.map(answeredBy))].join(','),
    answers: outcomes.map((outcome, index) => {
      const question = asked[index]?.question
      return question && { ...answerOf(question, outcome), spillway: spillwayField(outcome) }
    }),
    usage: responseUsage(summed(outcomes)),
  }
}

/** Probabilities are null when a frontier answered: it says what it chose, and not how sure it is. */
function answerOf(question: Question, { value, options }: DecideOutcome): Readonly<Record<string, unknown>> {
  const { type, name = null } = question
  if (value === null) return { type: 'refusal', name }
  const probabilityOf = (option: string): number | null =>
    options?.find((one) => one.value === option)?.probability ?? null
  const confidence = probabilityOf(value)
  if (type === 'predicate') return { type, name, value: value === 'yes', probability: probabilityOf('yes') }
  if (type === 'choice') {
    const chosen = question.choices.find((one) => String(one.value) === value)?.value ?? value
    const probabilities = question.choices.map((one) => ({
      value: one.value,
      probability: probabilityOf(String(one.value)),
    }))
    return { type, name, choice: chosen, confidence, probabilities: options && probabilities }
  }
  const levels = question.levels.map(({ label }, at) => ({ label, value: at, probability: probabilityOf(label) }))
  const chosen = levels.find(({ label }) => label === value)?.value ?? 0
  const expected = levels.reduce((sum, level) => sum + level.value * (level.probability ?? 0), 0)
  return { type, name, score: options ? expected : chosen, label: value, confidence, probabilities: options && levels }
}

function summed(outcomes: readonly DecideOutcome[]): Usage {
  const sum = (field: 'inputTokens' | 'outputTokens' | 'cachedInputTokens' | 'reasoningTokens'): number =>
    outcomes.reduce((total, { usage }) => total + (usage?.[field] ?? 0), 0)
  return {
    inputTokens: sum('inputTokens'),
    outputTokens: sum('outputTokens'),
    cachedInputTokens: sum('cachedInputTokens'),
    reasoningTokens: sum('reasoningTokens'),
    source: 'reported',
  }
}
