/** The server of this machine, found through the state folder. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { z } from 'zod'
import { RouterError } from '../spec/errors.ts'
import type { RouterRequest } from '../spec/request.ts'
import type { Outcome } from '../spec/response.ts'

/** What `serve` writes to `server.json`. */
const serverSchema = z.object({ url: z.url(), policyDigest: z.string(), keyFile: z.string() })

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

function recordedServer(file: string): RunningServer | null {
  try {
    return serverSchema.safeParse(JSON.parse(readFileSync(file, 'utf8'))).data ?? null
  } catch {
    return null
  }
}

/** What the server answers when a request fails; the same code and values that the error had there. */
const failureSchema = z.object({ error: z.object({ message: z.string(), code: z.string().nullish() }) })

/**
 * Sends one whole request to the server's internal interface, with the operator's key.
 *
 * @throws RouterError with the server's own code and message; model_unreachable when the server went away
 */
export async function completeOnServer(
  server: RunningServer,
  request: RouterRequest,
  signal: AbortSignal,
): Promise<Outcome> {
  const response = await post(server, request, signal)
  const body: unknown = await response.json()
  if (response.ok) return body as Outcome
  const failure = failureSchema.safeParse(body).data
  const problem = failure?.error.message ?? `HTTP ${response.status} without a message`
  throw new RouterError('model_failed', {
    model: `server ${server.url}`,
    problem,
    fix: 'Stop the server to answer in this process.',
  })
}

async function post(server: RunningServer, request: RouterRequest, signal: AbortSignal): Promise<Response> {
  const key = readFileSync(server.keyFile, 'utf8').trim()
  try {
    return await fetch(new URL('/spillway/v1/complete', server.url), {
      method: 'POST',
      headers: { authorization: `Bearer ${key}`, 'content-type': 'application/json' },
      body: JSON.stringify(request),
      signal,
    })
  } catch (error) {
    if (signal.aborted) throw new RouterError('cancelled', { requestId: 'on the server' }, error)
    throw new RouterError('model_unreachable', { model: `server ${server.url}`, problem: 'it went away' }, error)
  }
}
