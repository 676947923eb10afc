/**
 * `spillway/ai-sdk`: the router as a provider of the Vercel AI SDK, and as a middleware around any of its models. Models are of version 4 of its
 * specification (`ai` 7), or of version 3 (`ai` 6) where `specification: 'v3'` says so.
 */
import { createRouter, loadPolicy, type RouterSettings } from './compose.ts'
import { inProcessDoor } from './gateway/in-process.ts'
import { type GatewaySettings, gatewayDoor } from './integrations/ai-sdk/gateway-door.ts'
import { localDoor, localPolicy } from './integrations/ai-sdk/local-door.ts'
import { createMiddleware, type SpillwayMiddleware, type WrappedModel } from './integrations/ai-sdk/middleware.ts'
import type { SpillwayCallOptions } from './integrations/ai-sdk/options.ts'
import { createProvider, type SpillwayProvider } from './integrations/ai-sdk/provider.ts'
import type { JsonFields, Specification, SpillwayLanguageModel } from './integrations/ai-sdk/specification.ts'
import { RouterError } from './spec/errors.ts'
import type { Router } from './spec/router.ts'
import { SDK_OPTIONS_FIELD } from './spec/wire.ts'

export { CallError, type CallErrorData } from './integrations/ai-sdk/call-error.ts'
export type { SpillwayMiddleware } from './integrations/ai-sdk/middleware.ts'
export type { SpillwayCallOptions } from './integrations/ai-sdk/options.ts'
export type { SpillwayProvider } from './integrations/ai-sdk/provider.ts'
export type {
  Specification,
  SpillwayDecisionModel,
  SpillwayEmbeddingModel,
  SpillwayLanguageModel,
  SpillwayRerankingModel,
} from './integrations/ai-sdk/specification.ts'

/** Of all ways to make a provider. */
export interface CommonSettings<Version extends Specification> {
  /** `v4` for `ai` 7, which is the default; `v3` for `ai` 6. */
  readonly specification?: Version
  /** Said with every call that does not say it itself: task, tenant, partition and so on. */
  readonly defaults?: SpillwayCallOptions
  /** In telemetry of the SDK. Default: `spillway`. */
  readonly name?: string
}

/** A router of this process, which the provider opens and closes. */
export interface PolicySettings<Version extends Specification> extends CommonSettings<Version>, RouterSettings {}

/** A router that the program has. */
export interface RouterGiven<Version extends Specification> extends CommonSettings<Version> {
  readonly router: Router
}

/** A gateway. */
export interface GatewayGiven<Version extends Specification> extends CommonSettings<Version>, GatewaySettings {}

export type SpillwaySettings<Version extends Specification> =
  | PolicySettings<Version>
  | RouterGiven<Version>
  | GatewayGiven<Version>

/**
 * Makes a provider of one of three: `{ policy }` opens a router in this process, `{ router }` uses one that is open, `{ baseURL, apiKey }`
 * asks a gateway. Without settings it opens a router of `spillway.yaml` in the folder that the program runs in.
 *
 * @throws RouterError whatever `createRouter` throws
 */
export function createSpillway(settings?: SpillwaySettings<'v4'>): SpillwayProvider<'v4'>
export function createSpillway(settings: SpillwaySettings<'v3'>): SpillwayProvider<'v3'>
export function createSpillway<Version extends Specification>(
  settings: SpillwaySettings<Version>,
): SpillwayProvider<Version>
export function createSpillway<Version extends Specification>(
  settings: SpillwaySettings<Version> = { policy: 'spillway.yaml' },
): SpillwayProvider<Version> {
  const common = commonOf(settings)
  if ('baseURL' in settings) return createProvider({ ...common, door: gatewayDoor(settings), close: async () => {} })
  if ('router' in settings) return createProvider({ ...common, door: doorOf(settings.router), close: async () => {} })
  const opened = openRouter(settings)
  return createProvider({ ...common, door: doorOf(opened.router), close: opened.close })
}

export interface MiddlewareSettings<Version extends Specification> extends PolicySettings<Version> {
  /** Which model of the policy stands for the wrapped one. Default: the only model of provider ai-sdk that names no package. */
  readonly frontier?: string
}

/**
 * A middleware for `wrapLanguageModel`: calls of the wrapped model go through a router under the policy, whose frontier the wrapped model is.
 *
 * @throws RouterError whatever `createRouter` throws, with the first call; request_invalid: no model of the policy is to be the wrapped one
 */
export function spillwayMiddleware(settings: MiddlewareSettings<'v4'>): SpillwayMiddleware<'v4'>
export function spillwayMiddleware(settings: MiddlewareSettings<'v3'>): SpillwayMiddleware<'v3'>
export function spillwayMiddleware<Version extends Specification>(
  settings: MiddlewareSettings<Version>,
): SpillwayMiddleware<Version> {
  const { frontier, ...router } = settings
  const common = commonOf(settings)
  const models = new Map<WrappedModel, SpillwayLanguageModel<Version>>()
  const opened: OpenRouter[] = []
  const open = (wrapped: WrappedModel): SpillwayLanguageModel<Version> => {
    const one = openRouter(aroundModel(router, wrapped, frontier))
    opened.push(one)
    const door = doorOf(one.router)
    return createProvider({ ...common, door, close: one.close, othersField: SDK_OPTIONS_FIELD }).languageModel('auto')
  }
  return createMiddleware({
    specification: common.specification,
    modelFor(wrapped) {
      const model = models.get(wrapped) ?? open(wrapped)
      models.set(wrapped, model)
      return model
    },
    async close() {
      models.clear()
      await Promise.all(opened.splice(0).map(({ close }) => close()))
    },
  })
}

export interface LocalSettings<Version extends Specification>
  extends CommonSettings<Version>,
    Omit<RouterSettings, 'policy' | 'models'> {
  /** Window in tokens. Default: 4096. */
  readonly contextTokens?: number
}

/**
 * A model of the embedded engine by its catalogue name, alone: no policy, no gate, no frontier. Nothing leaves this machine.
 *
 * @throws RouterError policy_invalid for a name that is no model
 */
export function spillwayLocal(model: string, settings?: LocalSettings<'v4'>): SpillwayProvider<'v4'>
export function spillwayLocal(model: string, settings: LocalSettings<'v3'>): SpillwayProvider<'v3'>
export function spillwayLocal<Version extends Specification>(
  model: string,
  { contextTokens = 4096, ...settings }: LocalSettings<Version> = {},
): SpillwayProvider<Version> {
  const opened = openRouter({ ...settings, policy: localPolicy(model, contextTokens) })
  const door = localDoor(doorOf(opened.router))
  return createProvider({ ...commonOf(settings), door, close: opened.close })
}

function commonOf<Version extends Specification>({
  specification,
  name = 'spillway',
  defaults,
}: CommonSettings<Version>) {
  return { specification: specification ?? ('v4' as Version), name, always: { ...defaults } as JsonFields }
}

function doorOf(router: Router) {
  return { url: 'spillway:', ...inProcessDoor(router) }
}

interface OpenRouter {
  readonly router: Router
  readonly close: () => Promise<void>
}

/** A program that forgets to close it still leaves nothing half written. */
function openRouter(settings: RouterSettings): OpenRouter {
  const router = createRouter(settings)
  let closing: Promise<void> | null = null
  const close = (): Promise<void> => {
    process.off('beforeExit', close)
    closing ??= router.close()
    return closing
  }
  process.once('beforeExit', close)
  return { router, close }
}

/** @throws RouterError request_invalid: no model of the policy, or several, could be the wrapped one */
function aroundModel(settings: RouterSettings, wrapped: WrappedModel, frontier: string | undefined): RouterSettings {
  const policy = loadPolicy(settings.policy, settings.env ?? process.env)
  const { models } = policy.policy
  const open = Object.keys(models).filter((name) => models[name]?.provider === 'ai-sdk' && !models[name].sdk)
  const name = frontier ?? (open.length === 1 ? open[0] : undefined)
  if (name !== undefined && models[name]?.tier === 'frontier')
    return { ...settings, policy, models: { ...settings.models, [name]: wrapped } }
  throw new RouterError('request_invalid', {
    path: 'frontier',
    problem: `no model of the policy stands for the wrapped ${wrapped.provider} ${wrapped.modelId}`,
    fix: 'Write models.<name>: { provider: ai-sdk, model, tier: frontier, baseUrl } in the policy, or name one of its frontiers as `frontier`.',
  })
}
