/** One row a provider: how its models are asked. A new adapter is a file, a row here and a name in the policy's schema. */
import { ollamaBaseUrl, PROVIDER_URLS } from '../spec/destination.ts'
import { RouterError } from '../spec/errors.ts'
import type { Lane } from '../spec/lanes.ts'
import { pluginsOf } from '../spec/plugin.ts'
import type { LoadedPolicy, ModelPolicy } from '../spec/policy.ts'
import { DEFAULT_CONTEXT_TOKENS } from '../spec/policy-models.ts'
import type { ClientModel, ModelPort } from '../spec/ports.ts'
import { proxyFor } from '../spec/proxy.ts'
import { createAiSdkModel } from './ai-sdk.ts'
import { createAnthropicModel } from './anthropic.ts'
import { createAzureModel } from './azure.ts'
import { openEmbeddedModel } from './embedded/configured.ts'
import { createOllamaModel } from './ollama.ts'
import { createOpenAiCompatibleModel } from './openai-compatible.ts'
import type { Paths } from './paths.ts'
import { createPluggedModel } from './plugged.ts'
import { createServerProbe } from './probe.ts'
import type { Transport } from './transport.ts'

/** A model of the policy that is about to be asked for the first time, and where. */
export interface AdapterSetup {
  readonly name: string
  readonly policy: ModelPolicy
  readonly lane: Lane
  readonly loaded: LoadedPolicy
  readonly paths: Paths
  readonly env: Readonly<Record<string, string | undefined>>
  readonly clientModel: ClientModel | undefined
  /** As in `RouterSettings`. */
  readonly collect: ((model: string, transport: Transport) => Transport) | undefined
}

export const ADAPTERS: Readonly<Record<ModelPolicy['provider'], (setup: AdapterSetup) => ModelPort>> = {
  embedded: ({ name, policy, loaded, paths, env }) =>
    openEmbeddedModel({ name, policy, paths, env, memory: loaded.policy.memory }),
  ollama: (setup) => {
    const { policy } = setup
    // Ollama keeps a model for ever when the time is negative.
    const keepAliveMs = policy.idleUnload ?? -1
    const think = policy.think === undefined ? {} : { think: policy.think }
    const hosted = hostedAt(setup, ollamaBaseUrl(setup.env.OLLAMA_HOST))
    const { contextTokens = DEFAULT_CONTEXT_TOKENS } = policy
    return createOllamaModel({ ...hosted, ...probed(setup, 'ollama', hosted), ...think, contextTokens, keepAliveMs })
  },
  openai: (setup) => {
    const hosted = hostedAt(setup, PROVIDER_URLS.openai)
    return createOpenAiCompatibleModel({ ...hosted, ...probed(setup, 'openai', hosted), ...together(setup) })
  },
  azure: (setup) =>
    createAzureModel({ ...hostedAt(setup, null), apiVersion: setup.policy.apiVersion ?? AZURE_API_VERSION }),
  anthropic: (setup) => createAnthropicModel({ ...hostedAt(setup, PROVIDER_URLS.anthropic), ...together(setup) }),
  'ai-sdk': (setup) => createAiSdkModel({ ...hostedAt(setup, null), sdk: named(setup.policy.sdk, setup) }),
  'mcp-client': (setup) => {
    const { name, policy, clientModel } = setup
    const { model: hint, maxOutputTokens } = policy
    return named(clientModel, setup).open({ name, hint, maxOutputTokens })
  },
  plugin: (setup) => {
    const { name, policy, lane, loaded } = setup
    const { model, tier, maxOutputTokens } = policy
    const found = pluginsOf(loaded.plugins, 'model').find(({ plugin }) => plugin.name === policy.plugin)
    const { plugin } = named(found, setup)
    const { baseUrl = null, apiKey } = lane
    return createPluggedModel({ name, plugin, model, tier, baseUrl, apiKey, maxOutputTokens })
  },
}

/** The newest that is not a preview, for chat completions. */
const AZURE_API_VERSION = '2024-10-21'

/** @param usual where the provider is found; null where the policy was checked to say it */
function hostedAt({ name, policy, lane, loaded, env }: AdapterSetup, usual: string | null) {
  const { model, maxOutputTokens, tier, privateNetwork, alwaysStream } = policy
  const baseUrl = lane.baseUrl ?? usual
  if (baseUrl === null)
    throw new RouterError('internal', { problem: `a model of provider ${policy.provider} without an address` })
  return {
    ...{ name, model, maxOutputTokens, tier, privateNetwork, apiKey: lane.apiKey, baseUrl, alwaysStream },
    proxy: proxyFor(new URL(baseUrl), loaded.policy.network, env),
    tls: loaded.tls.get(name),
  }
}

/** Where its calls are collected for a batch of the provider. */
function together({ name, policy, collect }: AdapterSetup) {
  return policy.batch && collect ? { collect: (own: Transport) => collect(name, own) } : {}
}

/** What a server of one's own can do is asked of it. */
function probed(
  { policy, paths }: AdapterSetup,
  api: 'openai' | 'ollama',
  { baseUrl, apiKey }: { readonly baseUrl: string; readonly apiKey: string | null },
) {
  const { model, tier, contextTokens = DEFAULT_CONTEXT_TOKENS } = policy
  if (tier === 'frontier') return {}
  return { probe: createServerProbe({ api, baseUrl, model, contextTokens, apiKey, cacheDir: paths.cacheDir }) }
}

/** The policy was checked to name it, or an obstacle stands in the way of who is not there. */
function named<Part>(part: Part | undefined, { name, policy }: AdapterSetup): Part {
  if (part !== undefined) return part
  throw new RouterError('internal', { problem: `model ${name} of provider ${policy.provider} without what asks it` })
}
