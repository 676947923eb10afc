/** The kill switch over HTTP; only the operator's key opens it. */
import { z } from 'zod'
import { RouterError } from '../spec/errors.ts'
import { giveOrder, KILL_MODES } from '../spec/kill-switch.ts'
import { readJsonBody } from './body.ts'
import type { Exchange } from './exchange.ts'
import { sendJson } from './failure.ts'
import { requireOperator } from './internal.ts'
import { parseBody } from './read-body.ts'

const name = z.string().min(1).max(256).optional()
export const orderSchema = z.strictObject({
  order: z.enum([...KILL_MODES, 'off']),
  task: name,
  tenant: name,
  group: name,
  reason: z.string().max(1000).optional(),
})

/** `GET /spillway/v1/kill`: orders in force and the latest changes. */
export async function killStatus({ app, response, holder }: Exchange): Promise<void> {
  requireOperator(holder)
  sendJson(response, 200, { orders: app.killSwitch.list(), history: app.killSwitch.history() })
}

/** `POST /spillway/v1/kill`: gives or lifts an order. */
export async function kill({ app, request, response, holder }: Exchange): Promise<void> {
  requireOperator(holder)
  const wanted = parseBody(orderSchema, await readJsonBody(request, app.settings.maxBodyBytes), {
    what: 'an order of the kill switch',
    fix: 'Send {"order": "frontier_only", "reason": "…"}, with task, tenant or group where it is for one of them.',
  })
  const by = { by: `${holder?.name} over HTTP`, at: new Date().toISOString() }
  const given = giveOrder(app.killSwitch, wanted, by)
  if ('problem' in given)
    throw new RouterError('request_invalid', { path: 'the order', problem: given.problem, fix: given.fix })
  sendJson(response, 200, given)
}
