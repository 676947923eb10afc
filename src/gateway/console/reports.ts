/** The reports of the console over HTTP: parameters in, the JSON that the source gives out. */
import { z } from 'zod'
import type { ConsoleReport } from '../../spec/console.ts'
import { RouterError } from '../../spec/errors.ts'
import { REVIEW_VERDICTS } from '../../spec/label.ts'
import { readJsonBody } from '../body.ts'
import type { Exchange } from '../exchange.ts'
import { sendJson } from '../failure.ts'
import { requireOperator } from '../internal.ts'
import { parseBody } from '../read-body.ts'
import { consoleOf, readerOf } from './reader.ts'

const why = z.string().trim().min(1).max(1000)

export const textSchema = z.strictObject({ why })
export const labelSchema = z.strictObject({
  verdict: z.enum(REVIEW_VERDICTS),
  value: z.string().max(100_000).optional(),
})
export const moveSchema = z.strictObject({
  to: z.enum(['off', 'shadow', 'canary', 'accept']).optional(),
  percent: z.number().min(0).max(100).optional(),
  why,
})
export const policyTextSchema = z.strictObject({ text: z.string().max(1_000_000) })

/** A report with parameters of the address; the first part of the path that was left open is its `id`. */
export function report(name: ConsoleReport, parameters: readonly string[]) {
  return async (exchange: Exchange): Promise<void> => {
    const { app, request, response, holder, params } = exchange
    const reader = readerOf(holder)
    const [id] = params
    const values = { ...valuesOf(request.url ?? '', parameters), ...(id !== undefined && { id }) }
    const told = await consoleOf(app).read({ report: name, values, reader })
    response.setHeader('cache-control', 'no-store')
    sendJson(response, 200, told)
  }
}

/** `POST /spillway/v1/requests/{id}/text`: kept texts; the log of the audit says who read them, and why. */
export async function requestText(exchange: Exchange): Promise<void> {
  const { app, request, response, holder, params } = exchange
  requireOperator(holder)
  const body = await readJsonBody(request, app.settings.maxBodyBytes)
  const given = parseBody(textSchema, body, { what: 'a reason', fix: 'Send {"why": "…"}.' })
  const values = { id: params[0] ?? '', why: given.why }
  response.setHeader('cache-control', 'no-store')
  sendJson(response, 200, await consoleOf(app).read({ report: 'text', values, reader: readerOf(holder) }))
}

/** `POST /spillway/v1/requests/{id}/label`: what a reviewer found; goes the way of all feedback. */
export async function labelRequest({ app, request, response, holder, params }: Exchange): Promise<void> {
  requireOperator(holder)
  const body = await readJsonBody(request, app.settings.maxBodyBytes)
  const fix = `Send {"verdict": "${REVIEW_VERDICTS.join('" | "')}"}, with "value" for the right answer.`
  const { verdict, value } = parseBody(labelSchema, body, { what: 'a verdict', fix })
  const said = value === undefined ? { isCorrect: verdict === 'accept' } : { value }
  const review = { by: holder?.name ?? '', verdict }
  const requestId = params[0] ?? ''
  const label = await app.router.feedback(requestId, { source: 'human', ...said, review })
  sendJson(response, 200, { requestId, ...label })
}

/** `POST /spillway/v1/tasks/{task}/promote | rollback`. */
export function moveTask(action: 'promote' | 'rollback') {
  return async ({ app, request, response, holder, params }: Exchange): Promise<void> => {
    requireOperator(holder)
    const body = await readJsonBody(request, app.settings.maxBodyBytes)
    const fix = 'Send {"why": "…"}, with "to" for a stage and "percent" for a canary.'
    const wanted = parseBody(moveSchema, body, { what: 'a move', fix })
    const { by } = readerOf(holder)
    sendJson(response, 200, await consoleOf(app).move({ task: params[0] ?? '', action, by, ...wanted }))
  }
}

/** `POST /spillway/v1/policy/check`: what a policy says otherwise than the one in force; nothing is changed. */
export async function checkPolicyText({ app, request, response, holder }: Exchange): Promise<void> {
  requireOperator(holder)
  const body = await readJsonBody(request, app.settings.maxBodyBytes)
  const { text } = parseBody(policyTextSchema, body, { what: 'a policy', fix: 'Send {"text": "<YAML>"}.' })
  sendJson(
    response,
    200,
    await consoleOf(app).read({ report: 'policy_check', values: { text }, reader: readerOf(holder) }),
  )
}

/** For the operator alone. */
export function operatorReport(name: ConsoleReport, parameters: readonly string[]) {
  const answer = report(name, parameters)
  return async (exchange: Exchange): Promise<void> => {
    requireOperator(exchange.holder)
    await answer(exchange)
  }
}

/** @throws RouterError request_invalid: a parameter that would be without effect */
function valuesOf(url: string, known: readonly string[]): Readonly<Record<string, string>> {
  const query = new URLSearchParams(url.split('?', 2)[1] ?? '')
  const unknown = [...query.keys()].find((name) => !known.includes(name))
  const twice = known.find((name) => query.getAll(name).length > 1)
  const wrong = unknown ?? twice
  if (wrong !== undefined)
    throw new RouterError('request_invalid', {
      path: wrong.slice(0, 40),
      problem: twice === undefined ? 'there is no such parameter' : 'it is given twice',
      fix: known.length === 0 ? 'Leave it out.' : `Known: ${known.join(', ')}, each once.`,
    })
  return Object.fromEntries([...query].filter(([, value]) => value !== ''))
}
