/** `POST /v1/decisions`: answers read from the distribution of a local model, escalated like any other. */
import type { Usage } from '../spec/decision.ts'
import type { DecideRequest } from '../spec/request.ts'
import type { DecideOutcome } from '../spec/response.ts'
import { readJsonBody } from './body.ts'
import { answered, answeredBy, spillwayField } from './completion.ts'
import { optionsOf, parseDecisions, type Question, subjectOf } from './decisions-wire.ts'
import type { Exchange } from './exchange.ts'
import { sendJson } from './failure.ts'
import { knownOf, setDecisionHeaders, setRequestId, setWarning } from './headers.ts'
import { metadataOf } from './metadata.ts'
import { chooseModel, type ModelChoice, warningOf, wishOf } from './model-choice.ts'
import { responseUsage } from './responses-answer.ts'

/** Questions of one request that are asked at the same time; a model on this machine has few places. */
const AT_ONCE = 4

interface Asked {
  readonly question: Question
  readonly request: DecideRequest
}

export async function decisions(exchange: Exchange): Promise<void> {
  const { app, request: incoming } = exchange
  const raw = await readJsonBody(incoming, app.settings.maxBodyBytes)
  const body = parseDecisions(raw)
  const choice = chooseModel(body.model, { names: () => app.router.status(), unknownModel: app.settings.unknownModel })
  const metadata = metadataOf(body.metadata ?? {}, incoming.headers)
  const task = metadata.task ?? choice.task
  const subject = subjectOf(body)
  const asked = body.questions.map((question, index): Asked => {
    const { instruction, options } = optionsOf(question, { path: `questions.${index}`, subject })
    const request = { input: subject.text, instruction, options, metadata, ...(task !== undefined && { task }) }
    return { question, request: { ...request, ...wishOf(choice) } }
  })
  await app.idempotency.once(exchange, {
    tenant: metadata.tenant ?? null,
    asked: [raw, metadata, incoming.headers['x-spillway-route']],
    answer: (own) => answerDecisions(own, { asked, choice }),
  })
}

async function answerDecisions(
  exchange: Exchange,
  { asked, choice }: { readonly asked: readonly Asked[]; readonly choice: ModelChoice },
): Promise<void> {
  const { response, requestId } = exchange
  const outcomes = await decideAll(exchange, asked)
  const [only] = outcomes
  // Of several, those that may be answered are; the others say why not.
  if (outcomes.length === 1 && only) {
    answered(only)
    setDecisionHeaders(response, { ...knownOf(only), warning: warningOf(choice, only) })
  } else {
    setRequestId(response, requestId)
    setWarning(response, choice.warning)
  }
  const models = [...new Set(outcomes.map(answeredBy))]
  sendJson(response, 200, {
    model: models.join(','),
    answers: outcomes.map((outcome, index) => {
      const question = asked[index]?.question
      return question && { ...answerOf(question, outcome), spillway: spillwayField(outcome) }
    }),
    usage: responseUsage(summed(outcomes)),
  })
}

async function decideAll({ app, signal }: Exchange, asked: readonly Asked[]): Promise<readonly DecideOutcome[]> {
  const outcomes: DecideOutcome[] = []
  const options = { signal, taken: { usd: 0 } }
  for (let at = 0; at < asked.length; at += AT_ONCE) {
    const some = asked.slice(at, at + AT_ONCE)
    outcomes.push(...(await Promise.all(some.map(({ request }) => app.router.decide(request, options)))))
  }
  return outcomes
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
