import type { ModelIdentity, Tier } from '../../spec/decision.ts'
import { RouterError, toRouterError } from '../../spec/errors.ts'
import type { ModelPolicy } from '../../spec/policy.ts'
import type {
  CallLimits,
  DecideCall,
  DecideResult,
  EmbedResult,
  ModelCall,
  ModelEvent,
  ModelPort,
} from '../../spec/ports.ts'
import { cachedSha256 } from '../fetch/digest.ts'
import { locateModel } from '../fetch/locate.ts'
import type { Paths } from '../paths.ts'
import { EngineClient } from './client.ts'
import { EMBEDDING_RECIPE } from './embed-prompt.ts'
import { EventQueue } from './event-queue.ts'
import { isEngineInstalled } from './install.ts'
import { watchPhases } from './phases.ts'
import { toTurns } from './prompt.ts'
import type { GenerateResult, ModelSpec } from './protocol.ts'

export interface EmbeddedModelSettings {
  /** The policy's name of the model. */
  readonly name: string
  readonly modelPath: string
  /** Hex sha256 of the file, as `obtainModel` returns it. */
  readonly digest: string
  readonly contextTokens: number
  readonly idleUnloadMs: number
  readonly paths: Paths
  readonly env: NodeJS.ProcessEnv
  /** Physical cores minus one when absent. */
  readonly threads?: number
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
  const digest = settings.digest.startsWith('sha256:') ? settings.digest : `sha256:${settings.digest}`
  const spec: ModelSpec = {
    name: settings.name,
    path: settings.modelPath,
    digest,
    contextTokens: settings.contextTokens,
    threads: settings.threads ?? null,
    idleUnloadMs: settings.idleUnloadMs,
  }
  const identity = (quantisation: string | null): ModelIdentity => ({
    digest,
    quantisation,
    servedBy: settings.servedBy ?? settings.name,
  })
  const tier = settings.tier ?? 'local_fast'
  return {
    name: settings.name,
    generate: (call, limits) =>
      generate(
        { client, spec, tier, identity, maxOutputTokens: settings.maxOutputTokens ?? DEFAULT_MAX_OUTPUT_TOKENS },
        call,
        limits,
      ),
    decide: async (call, limits): Promise<DecideResult> => {
      const phases = watchPhases({ model: spec.name, tier, limits })
      try {
        const params = { ...call, model: spec }
        const result = await client.call('decide', params, { signal: phases.signal, onEvent: phases.see })
        return {
          options: result.options,
          signals: result.signals,
          usage: result.usage,
          identity: identity(result.quantisation),
        }
      } catch (error) {
        throw phases.explain(error)
      } finally {
        phases.end()
      }
    },
    embed: async (text, limits): Promise<EmbedResult> => {
      const phases = watchPhases({ model: spec.name, tier, limits })
      try {
        const params = { text, model: spec }
        const result = await client.call('embed', params, { signal: phases.signal, onEvent: phases.see })
        const { vector, usage, quantisation } = result
        return { vector, usage, identity: identity(quantisation), recipe: EMBEDDING_RECIPE }
      } catch (error) {
        throw phases.explain(error)
      } finally {
        phases.end()
      }
    },
    close: () => client.close(),
  }
}

export interface ConfiguredModel {
  readonly name: string
  readonly policy: ModelPolicy
  readonly paths: Paths
  readonly env: NodeJS.ProcessEnv
}

/**
 * The embedded model of a policy entry. The file is looked for, and its digest taken, with the first call; nothing is
 * downloaded. Calls also reject with model_file_missing and checksum_mismatch.
 */
export function openEmbeddedModel(configured: ConfiguredModel): ModelPort {
  let opened: Promise<ModelPort> | null = null
  const open = (signal: AbortSignal): Promise<ModelPort> => {
    opened ??= openFile(configured, signal).catch((error: unknown) => {
      opened = null
      throw error
    })
    return opened
  }
  return {
    name: configured.name,
    generate: async function* (call, limits) {
      yield* (await open(limits.signal)).generate(call, limits)
    },
    decide: async (call, limits) => await decideWith(await open(limits.signal), call, limits),
    embed: async (text, limits) => await embedWith(await open(limits.signal), text, limits),
    close: async () => await (await opened?.catch(() => null))?.close(),
  }
}

/** Why the model cannot be used now; null when engine and file are in place. Reads the disk, starts nothing. */
export function embeddedObstacle(
  configured: Omit<ConfiguredModel, 'name'>,
): { readonly reason: 'local_unavailable'; readonly why: string } | null {
  const { policy, paths, env } = configured
  if (!isEngineInstalled(paths)) {
    return { reason: 'local_unavailable', why: 'the embedded engine is not installed (run `spillway engine install`)' }
  }
  try {
    const file = locateModel({ name: policy.model, path: policy.path ?? null, env, paths })
    if (file.exists) return null
    const why = `no model file at ${file.path} (run \`spillway models pull ${policy.model}\`)`
    return { reason: 'local_unavailable', why }
  } catch (error) {
    const { message, fix } = toRouterError(error)
    return { reason: 'local_unavailable', why: `${message} ${fix}` }
  }
}

async function openFile(configured: ConfiguredModel, signal: AbortSignal): Promise<ModelPort> {
  const { name, policy, paths, env } = configured
  const file = locateModel({ name: policy.model, path: policy.path ?? null, env, paths })
  if (!file.exists) throw new RouterError('model_file_missing', { model: policy.model, path: file.path })
  const digest = await cachedSha256(file.path, paths.cacheDir, signal)
  if (file.sha256 !== null && file.sha256 !== digest) {
    throw new RouterError('checksum_mismatch', { path: file.path, actual: digest, expected: file.sha256 })
  }
  return createEmbeddedModel({
    name,
    modelPath: file.path,
    digest,
    servedBy: policy.model,
    contextTokens: policy.contextTokens,
    idleUnloadMs: policy.idleUnload,
    maxOutputTokens: policy.maxOutputTokens,
    tier: policy.tier,
    paths,
    env,
    ...(policy.threads === undefined ? {} : { threads: policy.threads }),
  })
}

async function decideWith(port: ModelPort, call: DecideCall, limits: CallLimits): Promise<DecideResult> {
  if (port.decide === undefined) throw new RouterError('internal', { problem: `model ${port.name} cannot decide` })
  return await port.decide(call, limits)
}

async function embedWith(port: ModelPort, text: string, limits: CallLimits): Promise<EmbedResult> {
  if (port.embed === undefined) throw new RouterError('internal', { problem: `model ${port.name} cannot embed` })
  return await port.embed(text, limits)
}

interface Bound {
  readonly client: EngineClient
  readonly spec: ModelSpec
  readonly tier: Tier
  readonly maxOutputTokens: number
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
    turns: toTurns(call.messages),
    maxOutputTokens: call.maxOutputTokens ?? bound.maxOutputTokens,
    temperature: call.temperature ?? 0,
    topP: call.topP ?? 1,
    stop: call.stop ?? [],
    seed: call.seed ?? null,
  }
  bound.client
    .call('generate', params, {
      signal: AbortSignal.any([phases.signal, stopped.signal]),
      onEvent: (event) => {
        phases.see(event)
        if (event.type === 'loading') events.push({ type: 'loading' })
        if (event.type === 'text') events.push({ type: 'text', delta: event.delta })
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

function finishEvent(bound: Bound, result: GenerateResult): ModelEvent {
  return {
    type: 'finish',
    finishReason: result.finishReason,
    usage: result.usage,
    signals: result.signals,
    identity: bound.identity(result.quantisation),
    raw: null,
  }
}
