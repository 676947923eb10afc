/** Answers that a later request goes on from: off unless the policy keeps them, and never of text that may not leave. */
import { createHash } from 'node:crypto'
import { RouterError } from '../spec/errors.ts'
import type { Outcome } from '../spec/response.ts'
import type { Exchange } from './exchange.ts'
import type { ResponsesItem } from './responses-wire.ts'
import { sealBytes, unsealBytes } from './sealed-answer.ts'

/** A response as the client got it, and everything it was an answer to. */
export interface KeptResponse {
  readonly response: Readonly<Record<string, unknown>>
  /** The whole conversation up to and with the answer. */
  readonly items: readonly ResponsesItem[]
}

/** Longer conversations are not kept: the client has to send them. */
const MAX_KEPT_BYTES = 8 * 1024 * 1024

/** A record that is not found says nothing about its partition. */
export function mayBeKept({ app }: Exchange, { requestId }: Outcome): boolean {
  if (app.settings.responses.store === false) return false
  const [record] = app.router.audit({ requestId, limit: 1 })
  return record !== undefined && record.features.partition !== 'local_only'
}

/**
 * @returns whether it was kept
 * @throws RouterError state_unwritable
 */
export function keepResponse(
  { app, holder }: Exchange,
  { requestId, tenant }: { readonly requestId: string; readonly tenant: string | null },
  kept: KeptResponse,
): boolean {
  const { store } = app.settings.responses
  const text = Buffer.from(JSON.stringify(kept))
  if (store === false || text.length > MAX_KEPT_BYTES) return false
  const { name, secret } = ownName(String(kept.response.id), { holder, tenant })
  const keptMs = Date.now()
  app.responses.keep(name, sealBytes([text], secret), keptMs + store, { requestId, tenant, keptMs })
  return true
}

/**
 * @param path where the id stands in the request
 * @throws RouterError request_invalid where the policy keeps nothing, not_found for an id of somebody else, too
 */
export function findResponse({ app, holder }: Exchange, tenant: string | null, id: string, path: string): KeptResponse {
  if (app.settings.responses.store === false)
    throw new RouterError('request_invalid', {
      path,
      problem: 'answers are not kept here',
      fix: 'Set gateway.responses.store in the policy to a span such as 7d, or send the whole conversation as input.',
    })
  const { name, secret } = ownName(id, { holder, tenant })
  const sealed = app.responses.find(name)
  if (!sealed) throw notThere(id)
  return JSON.parse(unsealBytes(sealed, secret).toString('utf8')) as KeptResponse
}

/** @throws RouterError not_found */
export function dropResponse({ app, holder }: Exchange, tenant: string | null, id: string): void {
  if (!app.responses.drop(ownName(id, { holder, tenant }).name)) throw notThere(id)
}

function notThere(id: string): RouterError {
  const fix = 'It was kept for another key or tenant, its time is over, it was local_only, or it said store: false.'
  return new RouterError('not_found', { subject: 'response', value: id.slice(0, 100), fix })
}

/** The id itself is not on disk: without it nobody can open what was kept. */
function ownName(
  id: string,
  { holder, tenant }: { readonly holder: Exchange['holder']; readonly tenant: string | null },
): { readonly name: string; readonly secret: string } {
  const secret = JSON.stringify([id, holder?.id, tenant])
  return { name: createHash('sha256').update(secret).digest('hex'), secret }
}
