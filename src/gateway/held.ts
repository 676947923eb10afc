/** Held requests over HTTP: their callers ask what became of them, the operator decides. */
import { z } from 'zod'
import { unknownHeld } from '../pipeline/release.ts'
import { RouterError } from '../spec/errors.ts'
import { HELD_STATES, type HeldForm, type HeldRequest } from '../spec/held.ts'
import type { DecideOutcome, Outcome } from '../spec/response.ts'
import type { ToldHeld } from '../spec/router.ts'
import { messageJson } from './anthropic-answer.ts'
import { readJsonBody } from './body.ts'
import { answeredBy, completionJson, spillwayField } from './completion.ts'
import { completionsBody } from './completions.ts'
import type { Exchange } from './exchange.ts'
import { sendJson, sendJsonText } from './failure.ts'
import { setRequestId } from './headers.ts'
import { requireOperator } from './internal.ts'
import { parseBody } from './read-body.ts'
import { newFrame, outputOf, responseObject, statusOf } from './responses-answer.ts'
import { parseResponses } from './responses-wire.ts'

const by = z.string().max(200).optional()
const why = z.string().max(1000).optional()
export const answerSchema = z.strictObject({ text: z.string(), by, why })
export const releaseSchema = z.strictObject({ to: z.string().min(1).max(200).optional(), by, why })
export const refuseSchema = z.strictObject({ by, why })
export const readerSchema = z.strictObject({ by })

/** People take minutes; asking more often than this is of no use. */
const ASK_AGAIN_S = 5

/** `GET /spillway/v1/held`: those of the key that still wait, or `?state=all`; with `?task=` of one task. */
export async function heldList(exchange: Exchange): Promise<void> {
  const { app, request, response } = exchange
  const query = new URLSearchParams((request.url ?? '').split('?', 2)[1] ?? '')
  const state = query.get('state') ?? 'waiting'
  const states = state === 'all' ? HELD_STATES : HELD_STATES.filter((known) => known === state)
  const unknown = [...query.keys()].find((name) => name !== 'state' && name !== 'task')
  if (states.length === 0 || unknown !== undefined)
    throw new RouterError('request_invalid', {
      path: unknown?.slice(0, 40) ?? 'state',
      problem: unknown === undefined ? 'there is no such state' : 'there is no such parameter',
      fix: `Use ?state=all or one of ${HELD_STATES.join(', ')}, and ?task=<name>.`,
    })
  const task = query.get('task')
  const found = app.router.held.list({ states, ...(task !== null && { task }) })
  sendJson(response, 200, { object: 'list', data: found.map((held) => toldTo(exchange, held)) })
}

/** `GET /spillway/v1/held/:id`: 202 while nobody has decided. */
export async function oneHeld(exchange: Exchange): Promise<void> {
  const id = exchange.params[0] ?? ''
  const held = exchange.app.router.held.find(id)
  if (held) return sendHeld(exchange, held)
  throw unknownHeld(id)
}

/** `POST /spillway/v1/held/:id/text`: what was asked; the log of the audit says who read it. */
export async function heldText(exchange: Exchange): Promise<void> {
  const { app, response, holder, params } = exchange
  requireOperator(holder)
  const given = await bodyOf(exchange, readerSchema, 'Send {}, or {"by": "…"}.')
  sendJson(response, 200, await app.router.held.text(params[0] ?? '', decidedBy(exchange, given)))
}

export async function answerHeld(exchange: Exchange): Promise<void> {
  const { app, holder, params } = exchange
  requireOperator(holder)
  const { text, ...given } = await bodyOf(exchange, answerSchema, 'Send {"text": "…"}.')
  sendHeld(exchange, await app.router.held.answer(params[0] ?? '', { text, ...decidedBy(exchange, given) }))
}

export async function releaseHeld(exchange: Exchange): Promise<void> {
  const { app, holder, params, signal } = exchange
  requireOperator(holder)
  const { to, ...given } = await bodyOf(exchange, releaseSchema, 'Send {"why": "…"}, with "to" for a model.')
  const release = { ...decidedBy(exchange, given), signal, ...(to !== undefined && { to }) }
  sendHeld(exchange, await app.router.held.release(params[0] ?? '', release))
}

export async function refuseHeld(exchange: Exchange): Promise<void> {
  const { app, holder, params } = exchange
  requireOperator(holder)
  const given = await bodyOf(exchange, refuseSchema, 'Send {"why": "…"}.')
  sendHeld(exchange, await app.router.held.refuse(params[0] ?? '', decidedBy(exchange, given)))
}

async function bodyOf<Schema extends z.ZodType>(
  { app, request }: Exchange,
  schema: Schema,
  fix: string,
): Promise<z.output<Schema>> {
  const body = await readJsonBody(request, app.settings.maxBodyBytes)
  return parseBody(schema, body, { what: 'a decision on a held request', fix })
}

interface Said {
  readonly by?: string | undefined
  readonly why?: string | undefined
}

/** Several people may use the operator's key, so a name may be given. */
function decidedBy({ holder }: Exchange, said: Said) {
  return { by: said.by ?? deciderOf(holder), ...(said.why !== undefined && { why: said.why }) }
}

function deciderOf(holder: Exchange['holder']): string {
  return `${holder?.name} over HTTP`
}

function sendHeld(exchange: Exchange, held: ToldHeld): void {
  const { response } = exchange
  const isOpen = held.state === 'waiting' || held.state === 'releasing'
  setRequestId(response, held.id)
  response.setHeader('cache-control', 'no-store')
  if (isOpen) response.setHeader('retry-after', String(ASK_AGAIN_S))
  const told = { ...toldTo(exchange, held), response: PLACE }
  // Byte by byte, as inputs of tools stand in it.
  const body = JSON.stringify(told).replace(JSON.stringify(PLACE), () => responseJson(held))
  sendJsonText(response, isOpen ? 202 : 200, body)
}

const PLACE = ' response '

/** Its caller is not told who decided: only the operator reads `request`, which is how the router tells it. */
function toldTo({ holder }: Exchange, held: HeldRequest | ToldHeld): Readonly<Record<string, unknown>> {
  const { id, state, task, taskId, reason, receivedAt, expiresAt, decision } = held
  return {
    object: 'held_request',
    id,
    status: state === 'waiting' ? 'held' : state,
    task,
    task_id: taskId,
    reason,
    received_at: receivedAt,
    expires_at: expiresAt,
    decided_at: decision?.at ?? null,
    why: state === 'refused' ? (decision?.why ?? null) : null,
    ...(state === 'released' && { send_again: { header: 'x-spillway-held', value: id } }),
    ...(holder?.isOperator && { request: held }),
  }
}

function responseJson({ outcome, form }: ToldHeld): string {
  if (!outcome) return 'null'
  if (form === 'anthropic_messages') return messageJson(outcome)
  if (form === 'openai_chat') return completionJson(outcome, Math.floor(Date.now() / 1000))
  return JSON.stringify(bodyFor(outcome, form))
}

/** As its caller would have got it at once. */
function bodyFor(
  outcome: Outcome | DecideOutcome,
  form: Exclude<HeldForm, 'anthropic_messages' | 'openai_chat'> | null,
): object {
  switch (form) {
    case 'openai_completions':
      return completionsBody([outcome], outcome.requestId)
    case 'openai_responses': {
      // What the request said of itself is not repeated.
      const frame = newFrame(parseResponses({}), new Set())
      const model = answeredBy(outcome)
      const output = outputOf(outcome, frame)
      return responseObject(frame, { status: statusOf(outcome), model, output, isStored: false, outcome })
    }
    case 'decision':
      return {
        object: 'decision',
        value: 'value' in outcome ? outcome.value : outcome.answer,
        answer: outcome.answer,
        spillway: spillwayField(outcome),
      }
    case null:
      return outcome
    default:
      return unknownForm(form)
  }
}

function unknownForm(form: never): never {
  throw new Error(`unknown form ${String(form)}`)
}
