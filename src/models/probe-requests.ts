/** The requests of a probe, and what their answers show. */
import { fetchFrom } from './dial.ts'
import { asObject, type JsonObject, objectsIn } from './http-model.ts'
import { readTokenLogprob, type TokenLogprob } from './token-signals.ts'

export interface ServerAbilities {
  /** `chosen`: of the generated token alone. `top-k`: of the most probable tokens, too. */
  readonly logprobs: 'none' | 'chosen' | 'top-k'
  /** True when a second request showed that sampling neither cuts nor tempers what is reported. */
  readonly fullDistribution: boolean
  readonly tools: 'yes' | 'no' | 'unknown'
}

export interface ProbeTarget {
  /** `ollama`: Ollama's own API. `openai`: any server with an OpenAI-compatible one. */
  readonly api: 'ollama' | 'openai'
  /** As in the policy: for `openai` it ends in `/v1`. */
  readonly baseUrl: string
  readonly model: string
  readonly apiKey: string | null
  /** Ollama only: what calls send as `num_ctx`; another value would load the model anew. */
  readonly contextTokens: number
}

/** How many of the most probable tokens are asked for. OpenAI, vLLM and Ollama allow 20; the mass beyond 10 is small. */
export const TOP_LOGPROBS = 10

/** @returns null when the server could not be asked, or not for this model */
export async function probeAbilities(target: ProbeTarget, signal: AbortSignal): Promise<ServerAbilities | null> {
  const greedy = await firstToken(target, GREEDY, signal)
  if (greedy === 'failed') return null
  const tools = target.api === 'ollama' ? await ollamaTools(target, signal) : await openAiTools(target, signal)
  if (greedy === 'none') return { logprobs: 'none', fullDistribution: false, tools }
  const bent = await firstToken(target, BENT, signal)
  return {
    logprobs: greedy.top === null ? 'chosen' : 'top-k',
    fullDistribution: typeof bent !== 'string' && isSame(greedy, bent),
    tools,
  }
}

/** @returns null when the server tells none */
export async function serverVersion(target: ProbeTarget, signal: AbortSignal): Promise<string | null> {
  const { origin } = new URL(target.baseUrl)
  const paths = target.api === 'ollama' ? ['/api/version'] : ['/version', '/props']
  for (const path of paths) {
    const { body } = await ask(
      target,
      { url: `${origin}${path}` },
      AbortSignal.any([signal, AbortSignal.timeout(1000)]),
    )
    const version = body?.version ?? body?.build_info
    if (typeof version === 'string') return version
  }
  return null
}

interface Sampling {
  readonly temperature: number
  readonly topK: number
  readonly topP: number
}

/** Nothing is cut, nothing is tempered. */
const GREEDY: Sampling = { temperature: 0, topK: 0, topP: 1 }

/** Cut to one token and tempered: a server that reports what sampling left gives that token the probability 1. */
const BENT: Sampling = { temperature: 1.7, topK: 1, topP: 0.05 }

/** A question whose first token no model is sure of, so that cutting and tempering would show. */
const QUESTION = [{ role: 'user', content: 'Say any word.' }]

/**
 * A prompt that is read from a cache is computed in other batches: on SmolLM2-135M Q4_1 behind llama-cpp-python the same
 * token had -2.110 and -2.163. Cutting and tempering move it by more than half a nat.
 */
const SAME_NATS = 0.1

/** A token surer than this shows nothing. */
const TOO_SURE_NATS = -0.05

function isSame(greedy: TokenLogprob, bent: TokenLogprob): boolean {
  const [one, other] = [greedy, bent].map((token) => token.top?.[0] ?? token.logprob)
  if (typeof one !== 'number' || typeof other !== 'number') return false
  return one < TOO_SURE_NATS && Math.abs(one - other) < SAME_NATS
}

async function firstToken(
  target: ProbeTarget,
  sampling: Sampling,
  signal: AbortSignal,
): Promise<TokenLogprob | 'none' | 'failed'> {
  const wanted = await chat(target, { sampling, reads: true }, signal)
  if (wanted.status !== 200) {
    // Some servers refuse the field and answer without it.
    const plain = await chat(target, { sampling: GREEDY, reads: false }, signal)
    return plain.status === 200 ? 'none' : 'failed'
  }
  const choice = objectsIn(wanted.body?.choices)[0]
  const entry = objectsIn(target.api === 'ollama' ? wanted.body?.logprobs : asObject(choice?.logprobs)?.content)[0]
  const token = entry === undefined ? null : readTokenLogprob(entry)
  return token === null || token.logprob === null ? 'none' : token
}

function chat(
  target: ProbeTarget,
  { sampling, reads }: { readonly sampling: Sampling; readonly reads: boolean },
  signal: AbortSignal,
): Promise<Reply> {
  const { temperature, topK, topP } = sampling
  const read = reads ? { logprobs: true, top_logprobs: TOP_LOGPROBS } : {}
  const common = { model: target.model, messages: QUESTION, stream: false, ...read }
  const cut = topK > 0 ? { top_k: topK } : {}
  if (target.api === 'openai') {
    const body = { ...common, max_tokens: 2, temperature, top_p: topP, ...cut }
    return ask(target, { url: openAiUrl(target), body }, signal)
  }
  const options = { num_ctx: target.contextTokens, num_predict: 2, temperature, top_k: topK, top_p: topP, min_p: 0 }
  return ask(target, { url: `${target.baseUrl.replace(/\/+$/, '')}/api/chat`, body: { ...common, options } }, signal)
}

/** A tool that takes nothing, so that a few tokens are a whole call. */
const TOOL = {
  type: 'function',
  function: { name: 'report', description: 'Reports.', parameters: { type: 'object', properties: {} } },
}

async function openAiTools(target: ProbeTarget, signal: AbortSignal): Promise<ServerAbilities['tools']> {
  const body = {
    model: target.model,
    messages: [{ role: 'user', content: 'Call the tool report.' }],
    tools: [TOOL],
    tool_choice: { type: 'function', function: { name: 'report' } },
    max_tokens: 32,
    temperature: 0,
    stream: false,
  }
  const reply = await ask(target, { url: openAiUrl(target), body }, signal)
  if (reply.status === 0) return 'unknown'
  const calls = objectsIn(asObject(objectsIn(reply.body?.choices)[0]?.message)?.tool_calls)
  return calls.some((call) => asObject(call.function)?.name === 'report') ? 'yes' : 'no'
}

/** Ollama lists what a model can do; older servers do not. */
async function ollamaTools(target: ProbeTarget, signal: AbortSignal): Promise<ServerAbilities['tools']> {
  const url = `${target.baseUrl.replace(/\/+$/, '')}/api/show`
  const { body } = await ask(target, { url, body: { model: target.model } }, signal)
  const abilities = body?.capabilities
  return Array.isArray(abilities) ? (abilities.includes('tools') ? 'yes' : 'no') : 'unknown'
}

function openAiUrl({ baseUrl }: ProbeTarget): string {
  return `${baseUrl.replace(/\/+$/, '')}/chat/completions`
}

interface Reply {
  /** 0 when there was no answer. */
  readonly status: number
  /** Null when the answer was no JSON object. */
  readonly body: JsonObject | null
}

async function ask(
  { apiKey }: ProbeTarget,
  { url, body }: { readonly url: string; readonly body?: JsonObject },
  signal: AbortSignal,
): Promise<Reply> {
  try {
    const headers = {
      ...(body === undefined ? {} : { 'content-type': 'application/json' }),
      ...(apiKey === null ? {} : { authorization: `Bearer ${apiKey}` }),
    }
    const sent = body === undefined ? {} : { method: 'POST', body: JSON.stringify(body) }
    const response = await fetchFrom(new URL(url), { ...sent, headers, redirect: 'error', signal })
    const text = await response.text()
    return { status: response.status, body: asObject(jsonOrNull(text)) }
  } catch {
    return { status: 0, body: null }
  }
}

function jsonOrNull(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return null
  }
}
