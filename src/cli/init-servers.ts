/** Asks the servers that `init` was given by address which models they have. */
import { fetchFrom } from '../models/dial.ts'
import { asObject, objectsIn } from '../models/http-model.ts'
import { detectLocalServers } from '../models/local-servers.ts'
import { onThisMachine } from '../spec/destination.ts'
import type { CliContext } from './context.ts'
import type { Named, Wishes } from './init-choice.ts'

const PATIENCE_MS = 5000

/** A server that does not answer is none; whether that matters is for the choice to say. */
export async function askServers({ local, frontier, frontierModel }: Wishes, context: CliContext): Promise<Named> {
  const [here, frontierModels] = await Promise.all([
    URL.canParse(local) && onThisMachine(local) ? serverAt(local, context) : null,
    URL.canParse(frontier) && frontierModel === null ? modelsAt(frontier, context) : null,
  ])
  return { local: here, frontierModels }
}

async function serverAt(address: string, { signal }: CliContext): Promise<Named['local']> {
  const { port, protocol } = new URL(address)
  const ports = [Number(port || (protocol === 'https:' ? 443 : 80))]
  const [server] = await detectLocalServers({ ports, signal, timeoutMs: PATIENCE_MS })
  return server ?? null
}

async function modelsAt(address: string, { signal }: CliContext): Promise<readonly string[] | null> {
  try {
    const url = new URL(`${address.replace(/\/+$/, '')}/models`)
    const response = await fetchFrom(url, { signal: AbortSignal.any([signal, AbortSignal.timeout(PATIENCE_MS)]) })
    const list = asObject(await response.json())?.data
    return objectsIn(Array.isArray(list) ? list : []).flatMap(({ id }) => (typeof id === 'string' ? [id] : []))
  } catch {
    return null
  }
}
