/** Every client at every capability that it has, on one server. */

import { aiAnthropic, aiOpenai, aiOpenaiCompatible } from './ai-sdk.ts'
import { anthropicNpm } from './anthropic-npm.ts'
import { CAPABILITIES, type Capability, doorPath } from './capabilities.ts'
import type { Client } from './client.ts'
import { langchainAnthropic, langchainOpenai } from './langchain.ts'
import { openaiNpm } from './openai-npm.ts'
import { pythonClients } from './python.ts'
import { pythonEnvironment } from './python-environment.ts'
import type { AuditRecord, Later } from './records.ts'
import { type ClientServer, LOCAL_MODEL, startClientServer } from './server.ts'
import { trialOf } from './trial.ts'

export type Result = 'pass' | 'fail' | 'n/a'

export interface Outcome {
  readonly result: Result
  /** Why it failed, or why it could not be tried. */
  readonly why: string | null
}

export interface ClientReport {
  readonly client: Client
  /** By capability. */
  readonly outcomes: Readonly<Record<string, Outcome>>
}

export interface RunReport {
  readonly clients: readonly ClientReport[]
  /** Paths that the gateway does not answer. */
  readonly notServed: readonly string[]
  /** Calls that reached the scripted cloud, and those that the audit has. */
  readonly calls: { readonly made: number; readonly recorded: number }
}

export const CLIENT_NAMES: readonly string[] = [
  'openai-npm',
  'openai-pypi',
  'anthropic-npm',
  'anthropic-pypi',
  'ai-openai',
  'ai-openai-compatible',
  'ai-anthropic',
  'langchain-openai',
  'langchain-anthropic',
]

/** Nothing here takes seconds but retries; a client that hangs would stop all. */
const PATIENCE_MS = 90_000

/** @param names of CLIENT_NAMES */
export async function runClients(names: readonly string[]): Promise<RunReport> {
  const clients = await openClients(names)
  const server = await startClientServer(clients)
  try {
    const notServed = await missingPaths(server)
    const tried = await Promise.all(clients.map((client) => tryClient(client, server, notServed)))
    await Promise.all(clients.map((client) => client.close()))
    // What the journal of a running server holds last is in nobody's hands yet.
    await server.stop()
    const records = await server.records()
    return {
      clients: tried.map((one) => judged(one, records)),
      notServed,
      calls: {
        made: server.cloud.requests.length,
        recorded: records.flatMap(({ calls }) => calls).filter(({ model }) => model !== LOCAL_MODEL).length,
      },
    }
  } finally {
    await server.close()
  }
}

async function openClients(names: readonly string[]): Promise<readonly Client[]> {
  const wantsPython = names.some((name) => name.endsWith('-pypi'))
  const python = wantsPython ? pythonClients(await pythonEnvironment()) : []
  const all = [
    openaiNpm,
    anthropicNpm,
    aiOpenai,
    aiOpenaiCompatible,
    aiAnthropic,
    langchainOpenai,
    langchainAnthropic,
    ...python,
  ]
  return CLIENT_NAMES.filter((name) => names.includes(name)).flatMap((name) => all.filter((one) => one.name === name))
}

/** Only the gateway itself knows what it serves: an empty request is refused on a path that is there. */
async function missingPaths({ url, key }: ClientServer): Promise<readonly string[]> {
  const paths = new Set(CAPABILITIES.map(({ endpoint }) => endpoint).filter((path) => path !== 'door'))
  const all: readonly string[] = ['/v1/chat/completions', '/v1/messages', ...paths]
  const statuses = await Promise.all(all.map(async (path) => (await probe(`${url}${path}`, key)).status))
  return all.filter((_path, index) => statuses[index] === 404)
}

async function probe(url: string, key: string): Promise<Response> {
  const headers = { authorization: `Bearer ${key}`, 'content-type': 'application/json' }
  const answer = await fetch(url, { method: 'POST', headers, body: '{}' })
  await answer.body?.cancel()
  return answer
}

interface Tried {
  readonly client: Client
  readonly outcomes: Readonly<Record<string, Outcome & { readonly later?: Later }>>
}

async function tryClient(client: Client, server: ClientServer, notServed: readonly string[]): Promise<Tried> {
  const outcomes: Record<string, Outcome & { readonly later?: Later }> = {}
  for (const capability of CAPABILITIES) {
    const why = notTried(client, capability, notServed)
    outcomes[capability.name] = why === null ? await attempt(client, server, capability) : { result: 'n/a', why }
  }
  return { client, outcomes }
}

function notTried(client: Client, { needs, endpoint }: Capability, notServed: readonly string[]): string | null {
  const door = doorPath(client)
  const missing = [door, endpoint === 'door' ? door : endpoint].find((path) => notServed.includes(path))
  if (!(needs in client.steps)) return 'the client has no such thing'
  if (missing !== undefined) return `${missing} is not served`
  return client.absent
}

async function attempt(
  client: Client,
  server: ClientServer,
  capability: Capability,
): Promise<Outcome & { readonly later?: Later }> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<never>((_done, fail) => {
    timer = setTimeout(() => fail(new Error(`it took more than ${PATIENCE_MS / 1000} s`)), PATIENCE_MS)
  })
  try {
    const later = await Promise.race([capability.check(trialOf(client, server, capability.name)), late])
    return { result: 'pass', why: null, ...(later && { later }) }
  } catch (error) {
    return { result: 'fail', why: wordsOf(error) }
  } finally {
    clearTimeout(timer)
  }
}

function judged({ client, outcomes }: Tried, records: readonly AuditRecord[]): ClientReport {
  const judge = ({ later, ...outcome }: Outcome & { readonly later?: Later }): Outcome => {
    try {
      later?.(records)
      return outcome
    } catch (error) {
      return { result: 'fail', why: wordsOf(error) }
    }
  }
  return { client, outcomes: Object.fromEntries(Object.entries(outcomes).map(([name, one]) => [name, judge(one)])) }
}

function wordsOf(error: unknown): string {
  return error instanceof Error ? `${error.name}: ${error.message}` : String(error)
}
