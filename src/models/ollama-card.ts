/** What an Ollama server says about one of its models: where it runs, and which weights it has. */
import type { Tier } from '../spec/decision.ts'
import { RouterError } from '../spec/errors.ts'
import type { CallLimits } from '../spec/ports.ts'
import { fetchFrom } from './dial.ts'
import { asObject, type JsonObject, objectsIn } from './http-model.ts'

export interface OllamaIdentity {
  /** `sha256:` of the model's manifest, which names weights, template and parameters. */
  readonly digest: string | null
  readonly quantisation: string | null
}

export interface OllamaCard {
  /**
   * Looked up once a minute.
   *
   * @throws RouterError policy_invalid when the server says that the model runs on another machine; model_failed when it
   *   does not say where; model_timeout, model_unreachable
   */
  identity(limits: CallLimits): Promise<OllamaIdentity>
}

export interface OllamaCardSettings {
  /** Name of the model in the policy. */
  readonly name: string
  /** Any path on the server; its list of models is at `/api/tags`. */
  readonly baseUrl: string
  readonly model: string
  readonly tier: Tier
}

export function createOllamaCard(settings: OllamaCardSettings): OllamaCard {
  const look = createListing(settings)
  return {
    async identity(limits) {
      const listing = await look(limits)
      if (listing.state !== 'listed') throw unknownPlace(listing, settings)
      const { digest, details } = listing.entry
      requireOwnMachine(listing.entry, settings)
      const quantisation = asObject(details)?.quantization_level
      return {
        digest: typeof digest === 'string' ? `sha256:${digest.replace(/^sha256:/, '')}` : null,
        quantisation: typeof quantisation === 'string' && quantisation !== '' ? quantisation : null,
      }
    },
  }
}

/**
 * For a server that is asked in the OpenAI dialect and may be an Ollama all the same, whose alias may stand for a model elsewhere. Other
 * servers have no such list, or one without digests.
 *
 * @returns throws what `identity` throws, where the server is an Ollama or does not say
 */
export function createOwnMachineCheck(settings: OllamaCardSettings): (limits: CallLimits) => Promise<void> {
  const look = createListing(settings)
  return async (limits) => {
    const listing = await look(limits)
    if (listing.state === 'listed') requireOwnMachine(listing.entry, settings)
    else if (listing.state === 'unreadable' || (listing.state === 'unlisted' && listing.isOllama))
      throw unknownPlace(listing, settings)
  }
}

/**
 * An alias hides that a model is one of Ollama's cloud; the list of models and every line of an answer tell.
 *
 * @throws RouterError policy_invalid
 */
export function requireOwnMachine(told: JsonObject, { name, model }: Pick<OllamaCardSettings, 'name' | 'model'>): void {
  const host = told.remote_host
  if (typeof host !== 'string' || host === '') return
  throw new RouterError('policy_invalid', {
    file: 'in use',
    path: `models.${name}.tier`,
    problem: `the Ollama server passes ${model} on to ${host}, so the model is not local`,
    fix: 'Use tier frontier, or a model that runs on this machine.',
  })
}

type Listing =
  | { readonly state: 'listed'; readonly entry: JsonObject }
  /** The list was read, and the model is not in it. */
  | { readonly state: 'unlisted'; readonly isOllama: boolean }
  /** The server answers, and has no such list. */
  | { readonly state: 'no_list' }
  /** `timeoutMs`: it did not come in so many milliseconds. */
  | { readonly state: 'unreadable'; readonly problem: string; readonly timeoutMs?: number }

/** Long enough to cost nothing, short enough to notice that a name was pulled anew. */
const FRESH_MS = 60_000
/** So long what was read before counts while a busy server does not tell. */
const STALE_MS = 600_000
/** The list is read from memory and disk of this machine. */
const LIST_TIMEOUT_MS = 5000

function createListing(settings: OllamaCardSettings): (limits: CallLimits) => Promise<Listing> {
  let known: { readonly atMs: number; readonly listing: Listing } | null = null
  return async (limits) => {
    const ageMs = known ? performance.now() - known.atMs : Number.POSITIVE_INFINITY
    if (known && ageMs < FRESH_MS) return known.listing
    const listing = await readListing(settings, limits)
    if (listing.state === 'unreadable') return known && ageMs < STALE_MS ? known.listing : listing
    // What is not there yet may be pulled at any moment.
    known = listing.state === 'unlisted' && listing.isOllama ? null : { atMs: performance.now(), listing }
    return listing
  }
}

async function readListing(
  { name, baseUrl, model }: OllamaCardSettings,
  { signal, deadlines }: CallLimits,
): Promise<Listing> {
  const url = new URL('/api/tags', baseUrl)
  const timeoutMs = Math.min(LIST_TIMEOUT_MS, deadlines.firstByteMs, deadlines.totalMs)
  const timeout = AbortSignal.timeout(timeoutMs)
  try {
    const response = await fetchFrom(url, { signal: AbortSignal.any([signal, timeout]) })
    if (response.status >= 500) return { state: 'unreadable', problem: `is answered with ${response.status}` }
    const list = response.ok ? asObject(parsed(await response.text()))?.models : undefined
    if (!Array.isArray(list)) return { state: 'no_list' }
    const entries = objectsIn(list)
    const entry = entries.find((one) => wholeName(String(one.name ?? one.model)) === wholeName(model))
    if (entry) return { state: 'listed', entry }
    return { state: 'unlisted', isOllama: entries.length === 0 || entries.some(hasDigest) }
  } catch (error) {
    signal.throwIfAborted()
    if (codeOf(error) === 'ECONNREFUSED')
      throw new RouterError('model_unreachable', { model: name, problem: `nothing listens at ${url.host}` }, error)
    return { state: 'unreadable', problem: 'does not come', ...(timeout.aborted && { timeoutMs }) }
  }
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return null
  }
}

/** Ollama takes a name in any case, without its tag, and with or without the registry before it. */
function wholeName(name: string): string {
  const own = name.toLowerCase().replace(/^(?:registry\.ollama\.ai\/)?(?:library\/)?/, '')
  return own.includes(':') ? own : `${own}:latest`
}

function hasDigest({ digest }: JsonObject): boolean {
  return typeof digest === 'string' && /^(?:sha256:)?[0-9a-f]{64}$/.test(digest)
}

/** Of a failed fetch, whose own error says nothing. */
function codeOf(error: unknown): unknown {
  const { cause } = error as { cause?: { code?: unknown } }
  return cause?.code
}

/** Text is sent only where it is known to stay. */
function unknownPlace(listing: Exclude<Listing, { state: 'listed' }>, settings: OllamaCardSettings): RouterError {
  const { name, model, baseUrl, tier } = settings
  if (listing.state === 'unreadable' && listing.timeoutMs !== undefined)
    return new RouterError('model_timeout', { model: name, phase: 'first byte', timeoutMs: listing.timeoutMs, tier })
  const { host } = new URL(baseUrl)
  const problem =
    listing.state === 'unlisted'
      ? `the Ollama server at ${host} does not list ${model}`
      : `the server at ${host} does not say whether ${model} runs on this machine: its list of models ${listing.state === 'unreadable' ? listing.problem : 'cannot be read'}`
  const fix =
    listing.state === 'unlisted'
      ? `Run \`ollama pull ${model}\`; \`ollama list\` shows the names. Nothing was sent.`
      : 'See whether `ollama list` answers, and start the server anew. Nothing was sent.'
  return new RouterError('model_failed', { model: name, problem, fix })
}
