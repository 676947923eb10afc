import type { ModelIdentity, Tier } from '../../spec/decision.ts'
import { RouterError } from '../../spec/errors.ts'
import type {
  CallLimits,
  DecideResult,
  EmbedResult,
  ExtractResult,
  ModelCall,
  ModelEvent,
  ModelPort,
  WriteJsonResult,
} from '../../spec/ports.ts'
import { messageText } from '../../spec/request.ts'
import { localAnswer } from '../local-answer.ts'
import type { Paths } from '../paths.ts'
import { EngineClient } from './client.ts'
import { EMBED_PROMPT, embeddingRecipe } from './embed-prompt.ts'
import { EventQueue } from './event-queue.ts'
import { watchPhases } from './phases.ts'
import { toTurns } from './prompt.ts'
import type { GenerateParams, GenerateResult, MethodName, Methods, ModelSpec, SignalReading } from './protocol.ts'

export interface EmbeddedModelSettings {
  readonly spec: ModelSpec
  readonly paths: Paths
  readonly env: NodeJS.ProcessEnv
  /** `bracket` when absent. */
  readonly signals?: SignalReading
  /** Names the deadline to raise in messages; `local_fast` by default. */
  readonly tier?: Tier
  /** Cap of an answer when a call sets none; 512 by default. */
  readonly maxOutputTokens?: number
  /** The model id to report; the policy's name by default. */
  readonly servedBy?: string
  /** The host ends after this long without a request; five minutes by default. */
  readonly hostIdleExitMs?: number
}

/**
 * A model of the embedded engine. Nothing is started or loaded before the first call; the host process is shared with
 * every other program of this user.
 *
 * Calls reject with engine_not_installed, model_file_invalid, memory_no_fit, request_invalid (too long for the
 * context), model_timeout, engine_crashed or cancelled.
 */
export function createEmbeddedModel(settings: EmbeddedModelSettings): ModelPort {
  const client = new EngineClient({
    paths: settings.paths,
    env: settings.env,
    ...(settings.hostIdleExitMs === undefined ? {} : { idleExitMs: settings.hostIdleExitMs }),
  })
  const { spec } = settings
  const identity = (quantisation: string | null): ModelIdentity => ({
    digest: spec.adapter ? `${spec.digest}+${spec.adapter.digest}@${spec.adapter.scale}` : spec.digest,
    quantisation,
    servedBy: settings.servedBy ?? spec.name,
  })
  const identified = <T extends { readonly quantisation: string | null }>({ quantisation, ...result }: T) => ({
    ...result,
    identity: identity(quantisation),
  })
  const tier = settings.tier ?? 'local_fast'
  return {
    name: spec.name,
    completes: true,
    generate: (call, limits) => {
      const bound = {
        client,
        spec,
        tier,
        identity,
        maxOutputTokens: settings.maxOutputTokens ?? DEFAULT_MAX_OUTPUT_TOKENS,
        signals: settings.signals ?? 'bracket',
      }
      const answer = { name: spec.name, model: settings.servedBy ?? spec.name, call }
      return localAnswer(generate(bound, call, limits), answer)
    },
    decide: async (call, limits): Promise<DecideResult> =>
      identified(await once({ client, spec, tier, limits }, 'decide', { ...call, model: spec })),
    embed: async (text, limits, frame = EMBED_PROMPT): Promise<EmbedResult> => ({
      ...identified(await once({ client, spec, tier, limits }, 'embed', { text, frame, model: spec })),
      recipe: embeddingRecipe(frame),
    }),
    extract: async (call, limits): Promise<ExtractResult> =>
      identified(await once({ client, spec, tier, limits }, 'extract', { ...call, model: spec })),
    writeJson: async ({ messages, schema, maxOutputTokens }, limits): Promise<WriteJsonResult> => {
      const params = { turns: toTurns(messages), schema, maxOutputTokens, model: spec }
      return identified(await once({ client, spec, tier, limits }, 'writeJson', params))
    },
    load: async (limits) => {
      await once({ client, spec, tier, limits }, 'load', spec)
    },
    close: () => client.close(),
  }
}

interface Asking {
  readonly client: EngineClient
  readonly spec: ModelSpec
  readonly tier: Tier
  readonly limits: CallLimits
}

/** One request that has one answer, under the call's deadlines. */
async function once<M extends MethodName>(
  { client, spec, tier, limits }: Asking,
  method: M,
  params: Methods[M]['params'],
): Promise<Methods[M]['result']> {
  const phases = watchPhases({ model: spec.name, tier, limits })
  try {
    const { priority } = limits
    return await client.call(method, params, {
      signal: phases.signal,
      onEvent: phases.see,
      ...(priority && { priority }),
    })
  } catch (error) {
    throw phases.explain(error)
  } finally {
    phases.end()
  }
}

interface Bound {
  readonly client: EngineClient
  readonly spec: ModelSpec
  readonly tier: Tier
  readonly maxOutputTokens: number
  readonly signals: SignalReading
  readonly identity: (quantisation: string | null) => ModelIdentity
}

/** Callers that set no cap get this many tokens; small models ramble. */
const DEFAULT_MAX_OUTPUT_TOKENS = 512

async function* generate(bound: Bound, call: ModelCall, limits: CallLimits): AsyncGenerator<ModelEvent> {
  const phases = watchPhases({ model: bound.spec.name, tier: bound.tier, limits })
  const stopped = new AbortController()
  const events = new EventQueue<ModelEvent>()
  const params = {
    model: bound.spec,
    ...promptOf(call),
    maxOutputTokens: call.maxOutputTokens ?? bound.maxOutputTokens,
    temperature: call.temperature ?? 0,
    topP: call.topP ?? 1,
    stop: call.stop ?? [],
    seed: call.seed ?? null,
    signals: bound.signals,
    ...(call.tokenSignals && { tokenSignals: call.tokenSignals }),
  }
  bound.client
    .call('generate', params, {
      signal: AbortSignal.any([phases.signal, stopped.signal]),
      ...(limits.priority && { priority: limits.priority }),
      onEvent: (event) => {
        phases.see(event)
        if (event.type === 'loading') events.push({ type: 'loading' })
        if (event.type === 'text' || event.type === 'progress') events.push(event)
      },
    })
    .then(
      (result) => events.end(finishEvent(bound, result)),
      (error: unknown) => events.fail(phases.explain(error)),
    )
  try {
    yield* events
  } finally {
    // A caller that stops reading no longer wants the answer: the host frees the slot.
    stopped.abort(new RouterError('cancelled', { requestId: 'of the local engine' }))
    phases.end()
  }
}

/** The text, and what comes after it where it is to be filled in. */
function promptOf({ messages, completion }: ModelCall): Pick<GenerateParams, 'turns' | 'continued' | 'before'> {
  const [text, after] = messages.filter(({ role }) => role === 'user')
  if (!completion || !text) return { turns: toTurns(messages) }
  return { turns: [], continued: messageText(text), ...(after && { before: messageText(after) }) }
}

function finishEvent(bound: Bound, result: GenerateResult): ModelEvent {
  return {
    type: 'finish',
    finishReason: result.finishReason,
    ...(result.stopSequence !== undefined && { stopSequence: result.stopSequence }),
    usage: result.usage,
    signals: result.signals,
    ...(result.tokens && { tokens: result.tokens }),
    identity: bound.identity(result.quantisation),
    raw: null,
  }
}
