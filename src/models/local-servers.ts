/** Model servers on this machine, found on their usual ports. */
import { ollamaBaseUrl, onThisMachine } from '../spec/destination.ts'
import { asObject, type JsonObject, objectsIn } from './http-model.ts'

export type LocalServerKind = 'ollama' | 'lmstudio' | 'llamacpp' | 'vllm' | 'localai' | 'jan' | 'openai'

export interface LocalServerFound {
  /** `openai`: speaks the dialect, and does not say what it is. */
  readonly kind: LocalServerKind
  /** What to write as `baseUrl` into the policy. */
  readonly baseUrl: string
  /** Null when the server tells none. */
  readonly version: string | null
  readonly models: readonly LocalServerModel[]
}

export interface LocalServerModel {
  readonly id: string
  /** Where the server passes requests for this model on to; null when it runs it itself, as far as it says. */
  readonly runsAt: string | null
  /** The context window in tokens that is loaded or configured; null when the server does not say. */
  readonly contextTokens: number | null
  /** Of its weights on the disk; null when the server does not say. */
  readonly sizeBytes: number | null
}

export interface DetectSettings {
  /** Default: the usual ports of the servers that are known. */
  readonly ports?: readonly number[]
  /** Default: the global one. */
  readonly fetch?: typeof fetch
  readonly signal?: AbortSignal
  /** Default 1000: a server on this machine answers such questions from memory. */
  readonly timeoutMs?: number
}

/** Ollama; LM Studio; llama.cpp and LocalAI; vLLM; Jan. */
export const USUAL_PORTS = [11434, 1234, 8080, 8000, 1337] as const

/** The usual ports, and the one that `OLLAMA_HOST` names when it names this machine. */
export function serverPorts(env: Readonly<Record<string, string | undefined>>): readonly number[] {
  const ollama = ollamaBaseUrl(env.OLLAMA_HOST)
  const own = onThisMachine(ollama) ? [Number(new URL(ollama).port || 80)] : []
  return [...new Set([...own, ...USUAL_PORTS])]
}

/** Asks 127.0.0.1 on each port, all at once. What does not answer, or not as such a server would, is left out. */
export async function detectLocalServers(settings: DetectSettings = {}): Promise<readonly LocalServerFound[]> {
  const ports = [...new Set(settings.ports ?? USUAL_PORTS)]
  const found = await Promise.all(ports.map((port) => identify(`http://127.0.0.1:${port}`, settings)))
  return found.filter((server) => server !== null)
}

async function identify(origin: string, settings: DetectSettings): Promise<LocalServerFound | null> {
  const ask = (path: string): Promise<JsonObject | null> => getObject(`${origin}${path}`, settings)
  // Two questions first: a port where nobody listens is not asked seven times. Others imitate Ollama's list, but not its version.
  const [release, list] = await Promise.all([ask('/api/version'), ask('/v1/models')])
  const tags = text(release?.version) === null ? null : await ask('/api/tags')
  if (Array.isArray(tags?.models)) return ollama(origin, { tags, version: release })
  if (!Array.isArray(list?.data)) return null
  const models = objectsIn(list.data)
  const [studio, props, version, system] = await Promise.all([
    ask('/api/v0/models'),
    ask('/props'),
    ask('/version'),
    ask('/system'),
  ])
  const server = { baseUrl: `${origin}/v1`, models: models.map(listedModel) }
  const owner = text(models[0]?.owned_by)
  if (Array.isArray(studio?.data))
    return { ...server, kind: 'lmstudio', version: null, models: objectsIn(studio.data).map(listedModel) }
  if (props !== null && (text(props.build_info) !== null || asObject(props.default_generation_settings) !== null))
    return { ...server, kind: 'llamacpp', version: text(props.build_info), models: withContext(server.models, props) }
  if (owner === 'vllm') return { ...server, kind: 'vllm', version: text(version?.version) }
  if (Array.isArray(system?.backends)) return { ...server, kind: 'localai', version: text(version?.version) }
  if (origin.endsWith(':1337')) return { ...server, kind: 'jan', version: text(version?.version) }
  return { ...server, kind: 'openai', version: text(version?.version) }
}

function ollama(
  origin: string,
  told: { readonly tags: JsonObject; readonly version: JsonObject | null },
): LocalServerFound {
  const models = objectsIn(told.tags.models).flatMap((entry): LocalServerModel[] => {
    const id = text(entry.name) ?? text(entry.model)
    const sizeBytes = isCount(entry.size) ? entry.size : null
    return id === null ? [] : [{ id, runsAt: text(entry.remote_host), contextTokens: null, sizeBytes }]
  })
  return { kind: 'ollama', baseUrl: origin, version: text(told.version?.version), models }
}

/** vLLM names the window `max_model_len`, LM Studio `loaded_context_length`, llama.cpp `meta.n_ctx`. */
function listedModel(entry: JsonObject): LocalServerModel {
  const windows = [entry.loaded_context_length, entry.max_model_len, asObject(entry.meta)?.n_ctx]
  const sizeBytes = asObject(entry.meta)?.size
  return {
    id: text(entry.id) ?? '(unnamed)',
    runsAt: null,
    contextTokens: windows.find(isCount) ?? null,
    sizeBytes: isCount(sizeBytes) ? sizeBytes : null,
  }
}

/** llama.cpp serves one model; its window is that of a slot. */
function withContext(models: readonly LocalServerModel[], props: JsonObject): readonly LocalServerModel[] {
  const window = asObject(props.default_generation_settings)?.n_ctx
  return models.map((model) => (isCount(window) ? { ...model, contextTokens: window } : model))
}

/** Lists are short; what is longer than this is no list. */
const MAX_CHARS = 4_000_000

async function getObject(url: string, settings: DetectSettings): Promise<JsonObject | null> {
  const { fetch: get = fetch, timeoutMs = 1000 } = settings
  const timeout = AbortSignal.timeout(timeoutMs)
  const signal = settings.signal === undefined ? timeout : AbortSignal.any([settings.signal, timeout])
  try {
    const response = await get(url, { redirect: 'error', signal, headers: { accept: 'application/json' } })
    if (!response.ok) {
      await response.body?.cancel()
      return null
    }
    const body = await shortText(response)
    return body === null ? null : asObject(JSON.parse(body))
  } catch {
    return null
  }
}

async function shortText(response: Response): Promise<string | null> {
  const decoder = new TextDecoder()
  let body = ''
  for await (const chunk of response.body ?? []) {
    body += decoder.decode(chunk, { stream: true })
    if (body.length > MAX_CHARS) return null
  }
  return body
}

function text(value: unknown): string | null {
  return typeof value === 'string' && value !== '' ? value : null
}

function isCount(value: unknown): value is number {
  return typeof value === 'number' && Number.isSafeInteger(value) && value > 0
}
