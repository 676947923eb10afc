/** What an Ollama server says about one of its models: where it runs, and which weights it has. */
import { RouterError } from '../spec/errors.ts'
import { fetchFrom } from './dial.ts'
import { asObject, type JsonObject, objectsIn } from './http-model.ts'

export interface OllamaIdentity {
  /** `sha256:` of the model's manifest, which names weights, template and parameters. */
  readonly digest: string | null
  readonly quantisation: string | null
}

export interface OllamaCard {
  /**
   * Looked up once a minute. What cannot be read is null and stops nothing.
   *
   * @throws RouterError policy_invalid when the server says that the model runs on another machine
   */
  identity(signal: AbortSignal): Promise<OllamaIdentity>
}

export interface OllamaCardSettings {
  /** Name of the model in the policy. */
  readonly name: string
  readonly baseUrl: string
  readonly model: string
}

export function createOllamaCard(settings: OllamaCardSettings): OllamaCard {
  let known: { readonly untilMs: number; readonly entry: JsonObject } | null = null
  return {
    async identity(signal) {
      if (known === null || known.untilMs < performance.now()) {
        const entry = await readEntry(settings, signal)
        known = entry === null ? null : { entry, untilMs: performance.now() + FRESH_MS }
      }
      const entry = known?.entry ?? {}
      requireOwnMachine(entry, settings)
      const quantisation = asObject(entry.details)?.quantization_level
      return {
        digest: typeof entry.digest === 'string' ? `sha256:${entry.digest.replace(/^sha256:/, '')}` : null,
        quantisation: typeof quantisation === 'string' && quantisation !== '' ? quantisation : null,
      }
    },
  }
}

/**
 * An alias hides that a model is one of Ollama's cloud; the list of models and every line of an answer tell.
 *
 * @throws RouterError policy_invalid
 */
export function requireOwnMachine(told: JsonObject, { name, model }: Omit<OllamaCardSettings, 'baseUrl'>): void {
  const host = told.remote_host
  if (typeof host !== 'string' || host === '') return
  throw new RouterError('policy_invalid', {
    file: 'in use',
    path: `models.${name}.tier`,
    problem: `the Ollama server passes ${model} on to ${host}, so the model is not local`,
    fix: 'Use tier frontier, or a model that runs on this machine.',
  })
}

/** Long enough to cost nothing, short enough to notice that a name was pulled anew. */
const FRESH_MS = 60_000

/** The list is read from memory and disk of this machine. */
const LIST_TIMEOUT_MS = 2000

async function readEntry({ baseUrl, model }: OllamaCardSettings, signal: AbortSignal): Promise<JsonObject | null> {
  try {
    const response = await fetchFrom(new URL(`${baseUrl.replace(/\/+$/, '')}/api/tags`), {
      redirect: 'error',
      signal: AbortSignal.any([signal, AbortSignal.timeout(LIST_TIMEOUT_MS)]),
    })
    const body = asObject(await response.json())
    const names = [model, `${model}:latest`]
    return objectsIn(body?.models).find((entry) => names.includes(String(entry.name ?? entry.model))) ?? null
  } catch {
    return null
  }
}
