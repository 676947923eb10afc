/** What the network offers: the gateway's port on this machine, and the model hub when asked. */
import { createServer } from 'node:net'
import { fetchFrom } from '../models/dial.ts'
import type { Paths } from '../models/paths.ts'
import type { LoadedPolicy } from '../spec/policy.ts'
import { type Check, type CheckPlace, fail, ok, warn } from './doctor-check.ts'
import { runningServer } from './running-server.ts'

const PUBLIC_HUB = 'https://huggingface.co'
const GIVE_UP_MS = 5000 // The same patience as a download has.
const DEFAULT_GATEWAY = { host: '127.0.0.1', port: 8484 }

/** Any answer counts: what matters is that the hub can be reached. */
export async function hubCheck(place: CheckPlace): Promise<Check> {
  const hub = place.env.HF_ENDPOINT ?? place.env.MODEL_ENDPOINT ?? PUBLIC_HUB
  try {
    const response = await fetchFrom(new URL(hub), {
      method: 'HEAD',
      signal: AbortSignal.any([place.signal, AbortSignal.timeout(GIVE_UP_MS)]),
    })
    return ok('hub', `${hub} answers (HTTP ${response.status}).`)
  } catch (error) {
    const cause = error instanceof Error && error.cause instanceof Error ? error.cause : error
    const problem = cause instanceof Error ? cause.message : String(cause)
    return warn(
      'hub',
      `${hub} cannot be reached (${problem}).`,
      'Set HF_ENDPOINT to a mirror; without a hub, models come through pip or a path.',
    )
  }
}

export async function portCheck(loaded: LoadedPolicy | null, paths: Paths): Promise<Check> {
  const { host, port } = loaded?.policy.gateway ?? DEFAULT_GATEWAY
  const server = await runningServer(paths.stateDir)
  if (server) return ok('port', `A Spillway server is running at ${server.url}.`)
  const problem = await bindProblem(host, port)
  if (problem === null) return ok('port', `${host}:${port} is free.`)
  const fix = 'Stop the other program, set gateway.port in the policy, or use `spillway serve --port 0`.'
  return problem === 'EADDRINUSE'
    ? warn('port', `${host}:${port} is in use.`, fix)
    : fail('port', `${host}:${port} cannot be bound (${problem}).`, fix)
}

function bindProblem(host: string, port: number): Promise<string | null> {
  return new Promise((resolve) => {
    const probe = createServer()
    probe.once('error', (error: NodeJS.ErrnoException) => resolve(error.code ?? error.message))
    probe.listen({ host, port, exclusive: true }, () => probe.close(() => resolve(null)))
  })
}
