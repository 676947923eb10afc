/** The server of this machine, found through the state folder. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { z } from 'zod'
import { ERRORS, type ErrorCode, RouterError } from '../spec/errors.ts'
import type { RouterRequest } from '../spec/request.ts'
import type { Outcome } from '../spec/response.ts'

/** What `serve` writes to `server.json`. */
const serverSchema = z.object({
  url: z.url(),
  policyDigest: z.string(),
  keyFile: z.string(),
  /** ISO 8601, UTC. */
  startedAt: z.string().optional(),
  /** It ends with the program that `launch` started. */
  temporary: z.literal(true).optional(),
})

export type RunningServer = z.output<typeof serverSchema>

const PROBE_MS = 1000 // The server is on this machine; one that takes longer to say that it lives is not worth waiting for.

/** @returns null when no server is recorded, or the recorded one does not answer */
export async function runningServer(stateDir: string): Promise<RunningServer | null> {
  const server = recordedServer(join(stateDir, 'server.json'))
  if (!server) return null
  try {
    const response = await fetch(new URL('/healthz', server.url), { signal: AbortSignal.timeout(PROBE_MS) })
    await response.body?.cancel()
    return server
  } catch {
    // A server that was killed leaves its record behind; the caller goes on without it.
    return null
  }
}

/** The process that wrote the record; null when there is none, or it cannot be read. */
export function recordedPid(stateDir: string): number | null {
  try {
    const { pid } = JSON.parse(readFileSync(join(stateDir, 'server.json'), 'utf8')) as { readonly pid?: unknown }
    return typeof pid === 'number' && Number.isSafeInteger(pid) && pid > 0 ? pid : null
  } catch {
    return null
  }
}

function recordedServer(file: string): RunningServer | null {
  try {
    return serverSchema.safeParse(JSON.parse(readFileSync(file, 'utf8'))).data ?? null
  } catch {
    return null
  }
}

/** Whether a gateway answers there. */
export async function gatewayAnswers(url: string): Promise<boolean> {
  try {
    const response = await fetch(new URL('/healthz', url), { signal: AbortSignal.timeout(PROBE_MS) })
    return ((await response.json()) as { readonly status?: unknown }).status !== undefined
  } catch {
    return false
  }
}

/** @returns the HTTP status with which the gateway answers to a key; null when it does not answer */
export async function statusOfKey(url: string, key: string): Promise<number | null> {
  try {
    const headers = { authorization: `Bearer ${key}` }
    const response = await fetch(new URL('/v1/models', url), { headers, signal: AbortSignal.timeout(PROBE_MS) })
    await response.body?.cancel()
    return response.status
  } catch {
    return null
  }
}

/** How the server says that a request failed. */
const failureSchema = z.object({ error: z.object({ message: z.string(), code: z.string(), hint: z.string() }) })

/**
 * Sends one whole request to the server's internal interface, with the operator's key.
 *
 * @throws RouterError the server's own; model_unreachable when the server went away; cancelled
 */
export async function completeOnServer(
  server: RunningServer,
  request: RouterRequest,
  signal: AbortSignal,
): Promise<Outcome> {
  return (await callServer(server, { path: '/spillway/v1/complete', body: request, signal })) as Outcome
}

export interface ServerCall {
  readonly path: string
  /** Absent: it is a GET. */
  readonly body?: unknown
  readonly signal: AbortSignal
}

/** One request under the operator's key. @throws RouterError as above */
export async function callServer(server: RunningServer, call: ServerCall): Promise<unknown> {
  const response = await send(server, call)
  const body: unknown = await response.json()
  if (response.ok) return body
  throw failureOf(failureSchema.safeParse(body).data?.error, response.status)
}

/** The wire has the filled sentences; the templates tell which values filled them. */
function failureOf(failure: z.output<typeof failureSchema>['error'] | undefined, status: number): RouterError {
  if (!failure || !isErrorCode(failure.code)) {
    return new RouterError('internal', { problem: `the server answered HTTP ${status} without a known error` })
  }
  const row = ERRORS[failure.code]
  return new RouterError(failure.code, {
    ...valuesIn(failure.hint, row.fix),
    ...valuesIn(failure.message, row.message),
  })
}

function isErrorCode(code: string): code is ErrorCode {
  return Object.hasOwn(ERRORS, code)
}

/** `No policy file at {path}.` and `No policy file at x.` give `{ path: 'x' }`. */
function valuesIn(text: string, template: string): Readonly<Record<string, string>> {
  const escaped = template.replace(/[.*+?^$()[\]|\\]/g, '\\$&')
  const seen = new Set<string>()
  const pattern = escaped.replace(/\{(\w+)\}/g, (_, name: string) => {
    const known = seen.has(name)
    seen.add(name)
    return known ? `\\k<${name}>` : `(?<${name}>.+?)`
  })
  return { ...new RegExp(`^${pattern}$`, 's').exec(text)?.groups }
}

async function send(server: RunningServer, { path, body, signal }: ServerCall): Promise<Response> {
  const key = readFileSync(server.keyFile, 'utf8').trim()
  try {
    return await fetch(new URL(path, server.url), {
      method: body === undefined ? 'GET' : 'POST',
      headers: { authorization: `Bearer ${key}`, 'content-type': 'application/json' },
      ...(body !== undefined && { body: JSON.stringify(body) }),
      signal,
    })
  } catch (error) {
    if (signal.aborted) throw new RouterError('cancelled', { requestId: 'on the server' }, error)
    throw new RouterError('model_unreachable', { model: `server ${server.url}`, problem: 'it went away' }, error)
  }
}
