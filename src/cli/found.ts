/** What this machine offers a newcomer: model servers, the engine and its models, keys, memory. Reads only. */
import { existsSync, readFileSync } from 'node:fs'
import { totalmem } from 'node:os'
import { join } from 'node:path'
import { CATALOG } from '../models/catalog.ts'
import { isEngineInstalled } from '../models/embedded/install.ts'
import { fileOnDisk, givenPath } from '../models/fetch/locate.ts'
import { detectLocalServers, type LocalServerFound, serverPorts } from '../models/local-servers.ts'
import { type Paths, resolvePaths } from '../models/paths.ts'
import { readRegistry } from '../models/registry.ts'
import { ollamaBaseUrl, onThisMachine } from '../spec/destination.ts'
import { PRESETS } from '../spec/presets.ts'
import type { CliContext } from './context.ts'

/** A model file that the embedded engine could run. */
export interface FileFound {
  readonly name: string
  readonly sizeBytes: number
}

/** A provider whose key is set. The key itself is not in here. */
export interface KeyFound {
  /** Name of the preset. */
  readonly provider: string
  readonly variable: string
  /** The address that the provider's own variable gives in place of the usual one; null when it gives none. */
  readonly baseUrl: string | null
}

export interface Found {
  readonly servers: readonly LocalServerFound[]
  readonly engine: { readonly installed: boolean; readonly models: readonly FileFound[] }
  readonly keys: readonly KeyFound[]
  /** Providers whose key is set and must not be used, since the address that was given with it is not theirs. */
  readonly refused: readonly string[]
  readonly memory: { readonly totalBytes: number; readonly availableBytes: number }
  /** What was found and is not used, as sentences. */
  readonly notes: readonly string[]
}

export async function findAround({ env, signal }: Pick<CliContext, 'env' | 'signal'>): Promise<Found> {
  const paths = resolvePaths(env, process.platform)
  const servers = await detectLocalServers({ ports: serverPorts(env), signal })
  const { keys, refused, notes } = keysIn(env, { servers, ownUrl: recordedUrl(paths) })
  const limit = process.constrainedMemory()
  return {
    servers,
    engine: { installed: isEngineInstalled(paths), models: filesFor(env, paths) },
    keys,
    refused,
    // Without a limit some systems say 0, some more than there is.
    memory: {
      totalBytes: limit > 0 ? Math.min(limit, totalmem()) : totalmem(),
      availableBytes: process.availableMemory(),
    },
    notes: [...notes, ...remoteOllama(env)],
  }
}

/** Those of the catalogue that were fetched, and those that somebody added. */
function filesFor(env: CliContext['env'], paths: Paths): readonly FileFound[] {
  const given = givenPath({ path: null, env: { ...env } })
  const fetched = CATALOG.filter((entry) => given !== null || fileOnDisk(entry, paths) !== null)
  return [...fetched, ...added(paths)].map(({ name, sizeBytes }) => ({ name, sizeBytes }))
}

/** A damaged list is what `doctor` tells about; here it is as good as none. */
function added(paths: Paths): readonly FileFound[] {
  try {
    return readRegistry(paths).filter(({ path }) => existsSync(path))
  } catch {
    return []
  }
}

interface Around {
  readonly servers: readonly LocalServerFound[]
  /** Of the gateway that runs under this state folder. */
  readonly ownUrl: string | null
}

/** A base URL that leads back to ourselves, or to a server that was found, is no provider: asking it would go in a circle. */
function keysIn(env: CliContext['env'], { servers, ownUrl }: Around): Pick<Found, 'keys' | 'refused' | 'notes'> {
  const here = new Map(servers.map(({ baseUrl, kind }) => [originOf(baseUrl), kind as string]))
  if (ownUrl !== null) here.set(originOf(ownUrl), 'this Spillway')
  const keys: KeyFound[] = []
  const refused: string[] = []
  const notes: string[] = []
  for (const [provider, { keyVariable }] of Object.entries(PRESETS)) {
    if (keyVariable === null || !env[keyVariable]) continue
    const moved = ADDRESS_VARIABLES[provider]
    const baseUrl = (moved && env[moved]) || null
    const why = baseUrl === null ? null : whyNotAsked(baseUrl, here)
    if (why === null) keys.push({ provider, variable: keyVariable, baseUrl: withVersion(provider, baseUrl) })
    else {
      refused.push(provider)
      notes.push(`${moved} ${why}, so ${keyVariable} is not used.`)
    }
  }
  return { keys, refused, notes }
}

function whyNotAsked(baseUrl: string, here: ReadonlyMap<string, string>): string | null {
  if (!/^https?:/i.test(baseUrl) || !URL.canParse(baseUrl)) return 'is not an address'
  const who = here.get(originOf(baseUrl))
  return who === undefined ? null : `is the address of ${who}`
}

/** The variables of the providers' own clients. */
const ADDRESS_VARIABLES: Readonly<Record<string, string>> = {
  openai: 'OPENAI_BASE_URL',
  anthropic: 'ANTHROPIC_BASE_URL',
}

/** The clients of Anthropic want the address without the version, and so do we; people write it both ways. */
function withVersion(provider: string, baseUrl: string | null): string | null {
  if (baseUrl === null) return null
  const plain = baseUrl.replace(/\/+$/, '')
  return provider === 'anthropic' ? plain.replace(/\/v1$/, '') : plain
}

function originOf(url: string): string {
  return URL.canParse(url) ? new URL(url).origin.replace('//localhost', '//127.0.0.1') : url
}

function recordedUrl(paths: Paths): string | null {
  try {
    const { url } = JSON.parse(readFileSync(join(paths.stateDir, 'server.json'), 'utf8')) as { readonly url?: unknown }
    return typeof url === 'string' ? url : null
  } catch {
    return null
  }
}

function remoteOllama(env: CliContext['env']): readonly string[] {
  const url = ollamaBaseUrl(env.OLLAMA_HOST)
  if (onThisMachine(url)) return []
  return [`OLLAMA_HOST is ${new URL(url).host}, another machine: not local, so it is not used without a policy.`]
}
