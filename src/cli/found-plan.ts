/** Which of the things found is used for what: local, then gate, then frontier. Pure. */
import type { LocalServerFound, LocalServerModel } from '../models/local-servers.ts'
import { isPassedOn, ollamaBaseUrl } from '../spec/destination.ts'
import type { Found } from './found.ts'
import type { ModelBlock, PolicyChoice } from './policy-text.ts'

/** What a policy is written from, and one sentence why for each model that is used. */
export interface Plan extends PolicyChoice {
  /** Why each is used: by the name that it has in the policy. */
  readonly why: Readonly<Record<string, string>>
}

/** @param env where `OLLAMA_HOST` is looked up: an address that it gives by itself stays out of the policy */
export function planFrom(found: Found, env: Readonly<Record<string, string | undefined>>): Plan {
  const locals = localsOf(found, env)
  const frontiers = frontiersOf(found)
  const why = Object.fromEntries([...locals, ...(frontiers ?? [])].map(({ block, why }) => [block.name, why]))
  return {
    locals: locals.map(({ block }) => block),
    frontiers: frontiers?.map(({ block }) => block) ?? 'as_shipped',
    why,
  }
}

interface Reasoned {
  readonly block: ModelBlock
  readonly why: string
}

/** The kinds that say what they are: behind another address may be a proxy that passes everything on. */
const KNOWN_KINDS = ['ollama', 'lmstudio', 'llamacpp', 'vllm', 'localai', 'jan'] as const

/** Models that answer no questions. */
const NO_CHAT = /embed|\bbge\b|bge-|\be5-|minilm|rerank|whisper|\btts\b|\bclip\b|guard|moderation/i

/** Whether a model answers questions, and on this machine. */
export function isChatModel({ id, runsAt }: LocalServerModel): boolean {
  return runsAt === null && !NO_CHAT.test(id) && !isPassedOn(id)
}

interface Candidate {
  readonly server: LocalServerFound
  readonly model: LocalServerModel
  /** Billions of parameters; null when neither name nor size tells. */
  readonly billions: number | null
}

function localsOf(found: Found, env: Readonly<Record<string, string | undefined>>): readonly Reasoned[] {
  const candidates = KNOWN_KINDS.flatMap((kind) => found.servers.filter((server) => server.kind === kind))
    .flatMap((server) => server.models.map((model) => ({ server, model, billions: billionsOf(model) })))
    .filter(({ model }) => isChatModel(model))
    .filter((candidate) => fits(candidate, found))
  const fast = best(candidates, (one, other) => distance(one) - distance(other))
  if (fast === null) return embedded(found)
  const large = best(candidates, (one, other) => (other.billions ?? 0) - (one.billions ?? 0))
  const small = { block: serverBlock('small', fast, env), why: `nearest to ${IDEAL_BILLIONS}B of what fits in memory` }
  if (large === null || (large.billions ?? 0) < LARGER_BY * (fast.billions ?? Infinity)) return [small]
  return [small, { block: serverBlock('large', large, env), why: 'the largest that fits in memory' }]
}

/** Answers short questions in about a second on a laptop, and most small tasks well. */
const IDEAL_BILLIONS = 4
/** A second model takes memory of its own, and is worth it only where it is another class. */
const LARGER_BY = 1.8
/** What the rest of the machine needs. */
const USABLE_SHARE = 0.7
/** Bytes a parameter of a 4-bit file with its context. */
const BYTES_PER_PARAMETER = 0.75

function billionsOf({ id, sizeBytes }: LocalServerModel): number | null {
  const told = /(?:^|[^a-z0-9.])(\d+(?:\.\d+)?)(b|m)(?![a-z0-9])/i.exec(id)
  if (told) return Number(told[1]) / (told[2]?.toLowerCase() === 'm' ? 1000 : 1)
  return sizeBytes === null ? null : sizeBytes / BYTES_PER_PARAMETER / 1e9
}

/** By what the machine has, not by what is free now: the same machine gives the same plan a minute later. */
function fits({ model, billions }: Candidate, { memory }: Found): boolean {
  const needed = model.sizeBytes ?? (billions === null ? 0 : billions * 1e9 * BYTES_PER_PARAMETER)
  return needed <= memory.totalBytes * USABLE_SHARE
}

function distance({ billions }: Candidate): number {
  return billions === null ? 2 : Math.abs(Math.log(billions / IDEAL_BILLIONS))
}

function best(candidates: readonly Candidate[], order: (one: Candidate, other: Candidate) => number): Candidate | null {
  return candidates.toSorted(order)[0] ?? null
}

const SERVER_NAMES: Readonly<Record<LocalServerFound['kind'], string>> = {
  ollama: 'Ollama',
  lmstudio: 'LM Studio',
  llamacpp: 'llama.cpp',
  vllm: 'vLLM',
  localai: 'LocalAI',
  jan: 'Jan',
  openai: 'a server that does not say what it is',
}

/** As people call it. */
export function serverName(kind: LocalServerFound['kind']): string {
  return SERVER_NAMES[kind]
}

/** Ollama's own default cuts long inputs off; what does not fit is refused here, so more is worth having. */
const OLLAMA_CONTEXT = 8192

/** A model of a server as a policy names it. */
export function serverBlock(
  name: string,
  { server, model }: Pick<Candidate, 'server' | 'model'>,
  env: Readonly<Record<string, string | undefined>>,
): ModelBlock {
  const tier = name === 'small' ? 'local_fast' : 'local_quality'
  const comment = `${serverName(server.kind)} on this machine.`
  if (server.kind === 'ollama') {
    const address = server.baseUrl === ollamaBaseUrl(env.OLLAMA_HOST) ? {} : { baseUrl: server.baseUrl }
    const keys = { provider: 'ollama', model: model.id, tier, ...address, contextTokens: OLLAMA_CONTEXT }
    return { name, comment, keys }
  }
  const context = model.contextTokens === null ? {} : { contextTokens: Math.max(256, model.contextTokens) }
  return {
    name,
    comment,
    keys: { provider: 'openai', model: model.id, tier, baseUrl: server.baseUrl, ...context },
  }
}

/** None: the template's own embedded model, which waits for its engine and its file. */
function embedded({ engine, memory }: Found): readonly Reasoned[] {
  const fitting = engine.models.filter(({ sizeBytes }) => sizeBytes * 1.3 <= memory.totalBytes * USABLE_SHARE)
  const [largest] = fitting.toSorted((one, other) => other.sizeBytes - one.sizeBytes)
  if (largest === undefined || largest.name === SHIPPED_MODEL) return []
  const keys = { provider: 'embedded', model: largest.name, tier: 'local_fast', idleUnload: '5m' }
  const block = { name: 'small', comment: 'A file on this machine, run by the embedded engine.', keys }
  return [{ block, why: 'the largest model file here that fits in memory' }]
}

/** The one in every template. */
export const SHIPPED_MODEL = 'smollm2-135m-instruct'

/** A cheap model for each provider whose key may be there, priced in the bundled table; others are named in a policy. */
const CHEAP_MODELS: readonly { readonly provider: string; readonly name: string; readonly model: string }[] = [
  { provider: 'anthropic', name: 'haiku', model: 'claude-haiku-4-5' },
  { provider: 'openai', name: 'luna', model: 'gpt-6-luna' },
  { provider: 'google', name: 'flash', model: 'gemini-2.5-flash-lite' },
  { provider: 'mistral', name: 'mistral', model: 'mistral-small-latest' },
  { provider: 'groq', name: 'groq', model: 'llama-3.1-8b-instant' },
  { provider: 'openrouter', name: 'openrouter', model: 'openai/gpt-6-luna' },
]

/** Providers that `init` can write a frontier for. */
export const FRONTIER_PROVIDERS: readonly string[] = CHEAP_MODELS.map(({ provider }) => provider)

/** @returns null where the template's own two, Anthropic and OpenAI, say the same */
function frontiersOf({ keys, refused }: Found): readonly Reasoned[] | null {
  const usable = keys.filter(({ provider }) => FRONTIER_PROVIDERS.includes(provider))
  const isShipped = usable.every(({ provider, baseUrl }) => SHIPPED.includes(provider) && baseUrl === null)
  if (isShipped && !SHIPPED.some((provider) => refused.includes(provider))) return null
  return CHEAP_MODELS.flatMap(({ provider }) => usable.filter((key) => key.provider === provider)).map((key) => ({
    block: frontierBlock(key.provider, key.baseUrl),
    why: `${key.variable} is set`,
  }))
}

const SHIPPED = ['anthropic', 'openai']

/** The frontier of one provider, as a person would write it. */
export function frontierBlock(provider: string, baseUrl: string | null): ModelBlock {
  const { name = provider, model = '' } = CHEAP_MODELS.find((entry) => entry.provider === provider) ?? {}
  const wire = provider === 'anthropic' ? 'anthropic' : 'openai'
  const comment = `The frontier; its key is read from the environment, and never stands in this file.`
  const address = baseUrl === null ? {} : { baseUrl }
  return { name, comment, keys: { preset: provider, provider: wire, model, tier: 'frontier', ...address } }
}
