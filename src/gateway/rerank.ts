/** `POST /v1/rerank`, in the form of Cohere, Jina and vLLM: order texts by how well they answer a query. */
import { z } from 'zod'
import { RouterError } from '../spec/errors.ts'
import type { DecideRequest } from '../spec/request.ts'
import type { DecideOutcome } from '../spec/response.ts'
import { readJsonBody } from './body.ts'
import { answered, answeredBy, spillwayField } from './completion.ts'
import type { Exchange } from './exchange.ts'
import { sendJson } from './failure.ts'
import { knownOf, setDecisionHeaders } from './headers.ts'
import { metadataOf } from './metadata.ts'
import { chooseModel, type ModelChoice, type ReadSettings, warningOf, wishOf } from './model-choice.ts'

/** Each is read by the model on its own. */
const MAX_DOCUMENTS = 1000

const bodySchema = z.object({
  model: z.string().optional(),
  query: z.string().min(1),
  documents: z
    .array(z.union([z.string(), z.object({ text: z.string() }).transform(({ text }) => text)]))
    .min(1)
    .max(MAX_DOCUMENTS),
  top_n: z.number().int().min(1).optional(),
  return_documents: z.boolean().default(false),
  metadata: z.record(z.string(), z.unknown()).optional(),
})

type Body = z.output<typeof bodySchema>

export async function rerank(exchange: Exchange): Promise<void> {
  const { app, request: incoming } = exchange
  const raw = await readJsonBody(incoming, app.settings.maxBodyBytes)
  const { unknownModel } = app.settings
  const asked = readRerank(raw, { headers: incoming.headers, names: () => app.router.status(), unknownModel })
  const { body, question } = asked
  await app.idempotency.once(exchange, {
    tenant: question.metadata?.tenant ?? null,
    asked: [body, question, incoming.headers['x-spillway-route']],
    answer: (own) => answerRerank(own, asked),
  })
}

/** A rerank body as the router takes it. */
export interface AskedRanking {
  readonly body: Body
  readonly question: DecideRequest
  readonly choice: ModelChoice
}

/** @throws RouterError request_invalid, not_found */
export function readRerank(raw: unknown, { headers, ...known }: ReadSettings): AskedRanking {
  const body = parse(raw)
  const metadata = metadataOf(body.metadata ?? {}, headers)
  const choice = chooseModel(body.model ?? 'auto', known)
  const task = metadata.task ?? choice.task
  const asked = { input: body.query, items: body.documents, metadata, ...(task !== undefined && { task }) }
  return { body, question: { ...asked, ...wishOf(choice) }, choice }
}

async function answerRerank({ app, response, signal }: Exchange, asked: AskedRanking): Promise<void> {
  const outcome = await app.router.decide(asked.question, { signal })
  answered(outcome)
  setDecisionHeaders(response, { ...knownOf(outcome), warning: warningOf(asked.choice, outcome) })
  sendJson(response, 200, rerankBody(outcome, asked))
}

/** @throws RouterError model_malformed when a frontier's answer is no list of the documents */
export function rerankBody(outcome: DecideOutcome, { body }: AskedRanking) {
  const results = ranked(outcome, body.documents).slice(0, body.top_n ?? body.documents.length)
  return {
    id: `rerank-${outcome.requestId}`,
    model: answeredBy(outcome),
    results: results.map(({ index, score }) => ({
      index,
      relevance_score: score,
      ...(body.return_documents && { document: { text: body.documents[index] } }),
    })),
    usage: { total_tokens: (outcome.usage?.inputTokens ?? 0) + (outcome.usage?.outputTokens ?? 0) },
    spillway: spillwayField(outcome),
  }
}

function parse(body: unknown): Body {
  const parsed = bodySchema.safeParse(body)
  if (parsed.success) return parsed.data
  const issue = parsed.error.issues[0]
  throw new RouterError('request_invalid', {
    path: issue?.path.map(String).join('.') || 'the body',
    problem: issue?.message ?? 'it is not a rerank request',
    fix: 'Send {"query": "…", "documents": ["…"]}.',
  })
}

interface Ranked {
  readonly index: number
  /** Null when a frontier gave the order and no figures. */
  readonly score: number | null
}

/** @throws RouterError model_malformed when a frontier's answer is no list of the documents */
function ranked({ reading, answer, decision }: DecideOutcome, documents: readonly string[]): readonly Ranked[] {
  if (reading?.kind === 'ranking') return reading.ranking.map(({ index, score }) => ({ index, score }))
  const order = indexesOf(answer ?? '', documents)
  if (order) return order.map((index) => ({ index, score: null }))
  const problem = 'its answer is no list of the documents'
  throw new RouterError('model_malformed', { model: decision.model ?? 'frontier', problem })
}

function indexesOf(answer: string, documents: readonly string[]): readonly number[] | null {
  const list = /\[[\s\S]*\]/.exec(answer)?.[0]
  if (list === undefined) return null
  try {
    const parsed = z.array(z.string()).safeParse(JSON.parse(list))
    const indexes = parsed.data?.map((text) => documents.indexOf(text)) ?? []
    return indexes.length > 0 && indexes.every((index) => index >= 0) ? [...new Set(indexes)] : null
  } catch {
    return null
  }
}
