/** Signing in to the console and out of it. */
import { z } from 'zod'
import { RouterError } from '../../spec/errors.ts'
import { readJsonBody } from '../body.ts'
import type { Exchange } from '../exchange.ts'
import { sendJson } from '../failure.ts'
import { parseBody } from '../read-body.ts'
import { readerOf } from './reader.ts'
import { requireCsrf, type Session } from './sessions.ts'

export const signInSchema = z.strictObject({
  key: z.string().min(1).max(200),
  name: z
    .string()
    .trim()
    .min(1)
    .max(80)
    .regex(/^[^\p{Cc}]*$/u)
    .optional(),
})

/** `GET /spillway/v1/session`: who is signed in; nobody is no failure. */
export async function session({ app, request, response }: Exchange): Promise<void> {
  response.setHeader('cache-control', 'no-store')
  const found = app.sessions.of(request)
  sendJson(response, 200, found ? toldOf(found, app) : { signedIn: false })
}

/** `POST /spillway/v1/session`: an API key once, for a cookie. */
export async function signIn({ app, request, response }: Exchange): Promise<void> {
  requirePageOrJson(request.headers['content-type'])
  const body = await readJsonBody(request, app.settings.maxBodyBytes)
  const { key, name } = parseBody(signInSchema, body, { what: 'a key', fix: 'Send {"key": "spw_…"}.' })
  const holder = app.keys.holderOf(key)
  // A key that sees nothing has no business here, and takes nobody's place.
  if (holder) readerOf(holder)
  const begun = app.sessions.begin(key, name ?? null)
  response.setHeader('set-cookie', begun.cookie)
  response.setHeader('cache-control', 'no-store')
  sendJson(response, 200, toldOf(begun.session, app))
}

/** `DELETE /spillway/v1/session`. */
export async function signOut({ app, request, response }: Exchange): Promise<void> {
  const found = app.sessions.of(request)
  if (found) requireCsrf(request, found)
  response.setHeader('set-cookie', app.sessions.end(request))
  sendJson(response, 200, { signedIn: false })
}

function toldOf(
  { holder, csrf, expiresAt }: Session,
  { isReadOnly }: Exchange['app'],
): Readonly<Record<string, unknown>> {
  return {
    signedIn: true,
    name: holder.name,
    isOperator: holder.isOperator,
    isReadOnly,
    tenants: holder.isOperator ? null : (holder.grant.tenants ?? []),
    csrf,
    expiresAt: new Date(expiresAt).toISOString(),
  }
}

/** A form of another site can send plain text, and nothing else, without asking first. */
function requirePageOrJson(type = ''): void {
  if (/^application\/json\b/i.test(type)) return
  throw new RouterError('unsupported_media', {
    header: 'Content-Type',
    value: type.slice(0, 40).replace(/[^\x20-\x7e]/g, '?'),
  })
}
