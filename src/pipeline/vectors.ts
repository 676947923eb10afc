/** Texts as vectors: the same path as every other request, with one model and nothing to check. */
import type { ModelIdentity } from '../spec/decision.ts'
import { RouterError } from '../spec/errors.ts'
import { DEFAULT_TASK, type LoadedPolicy, type TaskPolicy } from '../spec/policy.ts'
import { messageText, type RouterRequest } from '../spec/request.ts'
import type { DecideJob } from './decide.ts'
import type { Reader } from './exchange.ts'

/** The task of requests that name none. */
const EMBED_TASK = 'embed'

/**
 * The request with a task of its own when vectors are asked for. The task that it names says what is private and who may be asked;
 * how its answers are made and judged means nothing here.
 *
 * @throws RouterError no_model_available when no model is named and no local one gives vectors
 */
export function embedJob(request: RouterRequest, { policy }: LoadedPolicy): DecideJob {
  const { embed, metadata } = request
  if (!embed) return { request }
  const name = metadata?.task ?? EMBED_TASK
  const base = policy.tasks[name] ?? DEFAULT_TASK
  const model = embed.model ?? firstLocal(policy)
  const isLocal = policy.models[model]?.tier !== 'frontier'
  const inlineTask: TaskPolicy = {
    ...whoMayBeAsked(base),
    pattern: { direct: {} },
    stage: 'accept',
    local: isLocal ? [model] : false,
    frontier: isLocal ? false : [model],
    onUnavailable: 'error',
    maxInputChars: Number.MAX_SAFE_INTEGER,
    allowCodeChange: true,
    // A vector is neither right nor wrong: no bound has to be proven.
    accept: { ...DEFAULT_TASK.accept, uncalibrated: true },
  }
  // Nothing is written, so a call costs what is read.
  return { request: { ...request, metadata: { ...metadata, task: name }, maxOutputTokens: 0 }, inlineTask }
}

/** The task without what it says of answers. */
function whoMayBeAsked(task: TaskPolicy): TaskPolicy {
  const { labels: _, schema: _s, prior: _p, novel: _n, head: _h, adapter: _a, ...rest } = task
  const { kind, prompt, learn, complexity } = DEFAULT_TASK
  return { ...rest, kind, prompt, learn, ...(complexity && { complexity }) }
}

function firstLocal({ models }: LoadedPolicy['policy']): string {
  const found = Object.entries(models).find(([, { provider }]) => provider === 'embedded')
  if (found) return found[0]
  throw new RouterError('no_model_available', {
    task: EMBED_TASK,
    why: 'the policy has no model of the embedded engine',
    fix: 'Name a model that makes embeddings, or add one with provider: embedded.',
  })
}

/** One text after the other: the engine has one context for vectors. */
export const readVectors: Reader = async ({ run, port, model }, limits) => {
  if (!port.embed) throw new Error(`model ${port.name} gives no vectors`)
  let identity: ModelIdentity = { digest: null, quantisation: null, servedBy: model.policy.model }
  const values: (readonly number[])[] = []
  let [inputTokens, cut] = [0, 0]
  for (const message of run.request.messages) {
    const result = await port.embed(messageText(message), limits)
    values.push(result.vector)
    inputTokens += result.usage.inputTokens
    if (result.isCut) cut += 1
    identity = result.identity
  }
  return {
    answer: {
      text: '',
      toolCalls: [],
      finishReason: 'stop',
      usage: { inputTokens, outputTokens: 0, source: 'reported' },
      signals: null,
      vectors: { values, cut },
      raw: null,
    },
    option: null,
    identity,
    firstTokenMs: null,
  }
}
