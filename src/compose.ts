/** The composition root: policy and adapters become a router. Library, gateway, command line and tests all come here. */
import { randomUUID } from 'node:crypto'
import { join } from 'node:path'
import { setFlagsFromString } from 'node:v8'
import { excerptForDecision } from './classify/excerpt.ts'
import { type SimilarityHead, withComparison } from './decide/similarity.ts'
import { ADAPTERS } from './models/adapters.ts'
import { aiSdkObstacle } from './models/ai-sdk.ts'
import { createSdkObjectModel, isSdkModelObject, type SdkModelObject } from './models/ai-sdk-object.ts'
import { createCheckRunner } from './models/check-command.ts'
import { embeddedFillsIn, embeddedFitsBeside, embeddedObstacle } from './models/embedded/configured.ts'
import { ENGINE_VERSION } from './models/embedded/engine-lock.ts'
import { keyOf, readHead, writeHead } from './models/head-cache.ts'
import { withHeads } from './models/head-decider.ts'
import { type Paths, resolvePaths } from './models/paths.ts'
import { tellOfPlugins } from './models/plugin-notices.ts'
import { batchCost, callCost, windowTokens } from './models/prices.ts'
import type { Transport } from './models/transport.ts'
import { postWebhook } from './models/webhook.ts'
import { openAnswerCache } from './pipeline/answer-cache.ts'
import { createAuditWatch } from './pipeline/audit-watch.ts'
import { createBuddyWatch } from './pipeline/buddy-watch.ts'
import { systemClock } from './pipeline/clock.ts'
import { createHarmlessScores } from './pipeline/harmless-scores.ts'
import { type OpenHeldPlace, openHeldPlace } from './pipeline/held-place.ts'
import { noticeBody, type PostNotice } from './pipeline/notices.ts'
import { createNoveltyWatch } from './pipeline/novelty.ts'
import { createPlaceholderNumbers } from './pipeline/placeholder-numbers.ts'
import { changedSince } from './pipeline/policy-since.ts'
import { createTextReader } from './pipeline/reading-thread.ts'
import { requestIdAt } from './pipeline/request-id.ts'
import { createRolloutWatch } from './pipeline/rollout-watch.ts'
import { createRoster, type RosterModel } from './pipeline/roster.ts'
import { routerFrom } from './pipeline/router.ts'
import { answeringNow } from './pipeline/task-setup.ts'
import { toldJournal } from './pipeline/told-journal.ts'
import { createTurnBook } from './pipeline/turn-book.ts'
import type { AuditRecord } from './spec/audit.ts'
import { hasFrontier } from './spec/has-frontier.ts'
import type { HeldRow } from './spec/held.ts'
import type { CheckedDraft } from './spec/label.ts'
import type { Lane } from './spec/lanes.ts'
import type { LoadedPolicy, ModelPolicy, Policy, PolicyInput } from './spec/policy.ts'
import type { AuditQuery, ClientModel, Clock, ModelPort } from './spec/ports.ts'
import { proxyFor } from './spec/proxy.ts'
import type { Router } from './spec/router.ts'
import { openAuditLog } from './stores/audit-log.ts'
import { openBuddies } from './stores/buddies.ts'
import { openBudgets, openBudgetsLater } from './stores/budgets.ts'
import { openCalibrations } from './stores/calibrations.ts'
import { copySettings } from './stores/connections.ts'
import { openConversations } from './stores/conversations.ts'
import { type HeadsInForce, headsInForce, openLearnedHeads } from './stores/heads-in-force.ts'
import { openHeldLater } from './stores/held-later.ts'
import { keptLimits, openKeptExamples } from './stores/kept-examples.ts'
import { openKillSwitch } from './stores/kill-switch.ts'
import { keepPolicy, readPolicy } from './stores/policy-archive.ts'
import { type Environment, loadPolicyFile, validatePolicy } from './stores/policy-file.ts'
import { openPriors } from './stores/priors.ts'
import { NO_ROLLOUTS, openRollouts } from './stores/rollouts.ts'
import { contentSealer } from './stores/sealed-content.ts'
import { NO_OVERRIDES, openTaskOverrides } from './stores/task-overrides.ts'
import { openTracing } from './telemetry/tracing.ts'

export interface RouterSettings {
  /** A file, a policy object, or one that was loaded before. */
  readonly policy: string | PolicyInput | LoadedPolicy
  /** Where `${env:NAME}` is looked up. Default: `process.env`. */
  readonly env?: Environment
  /** Where models, engine, journal and keys lie. Default: the XDG directories. */
  readonly paths?: Paths
  /**
   * Take the place of configured models, by name: models of the AI SDK as their packages make them, and model ports, for tests and for models of
   * your own.
   */
  readonly models?: Readonly<Record<string, ModelPort | SdkModelObject>>
  /** The model of the program that this process serves over MCP, for models of provider `mcp-client`. Default: there is none. */
  readonly clientModel?: ClientModel
  readonly clock?: Clock
  /** Bytes that a model could take now, asked before each route. Default: what the system says. */
  readonly availableMemory?: () => number
  /** Folder of journal, audit database and kept examples. Default: the state directory, which alone `audit.postgres` copies. */
  readonly auditDir?: string
  /** Hears of every local answer that gates checked, rejected ones included, whose text is nowhere else. */
  readonly onDraft?: (requestId: string, draft: CheckedDraft) => void
  /** Hears of every request of this router that settles. */
  readonly onSettled?: (record: AuditRecord) => void
  /** Takes every model port that is opened and gives what is used in its place, for example one that keeps what was said. */
  readonly around?: (name: string, port: ModelPort) => ModelPort
  /** For models with `batch`: gives what sends their calls in place of the transport, for example to send them together. They cost the price of a batch then. */
  readonly collect?: (model: string, transport: Transport) => Transport
  /** Examples of the tasks' heads. Default: those of the policy and those learned on this machine. */
  readonly heads?: HeadsInForce
}

/**
 * Opens a router. Nothing is downloaded and no model is loaded until a request needs it.
 *
 * @throws RouterError policy_not_found, policy_invalid, env_missing, audit_unwritable, store_newer, store_corrupt,
 *   content_key_unusable
 */
export function createRouter(settings: RouterSettings): Router {
  // Callers bring regular expressions in their JSON Schemas; one that backtracks for ever must not stop the process.
  setFlagsFromString('--enable-experimental-regexp-engine-on-excessive-backtracks')
  const env = settings.env ?? process.env
  const paths = settings.paths ?? resolvePaths(env, process.platform)
  const clock = settings.clock ?? systemClock
  const loaded = loadPolicy(settings.policy, env)
  const { durability, onFailure, content } = loaded.policy.audit
  const sealer = content === 'replay' ? contentSealer(env) : null
  const availableMemory = settings.availableMemory ?? (() => process.availableMemory())
  const retention = retentionOf(loaded.policy.audit)
  const stateDir = settings.auditDir ?? paths.stateDir
  // A folder of its own is a trial, for example an evaluation: its records are nobody else's.
  const copy = settings.auditDir === undefined ? copySettings(loaded) : null
  const log = openAuditLog({ stateDir, durability, onFailure, retention, copy })
  keepPolicy(stateDir, loaded)
  const { monotonicMs, epochMs } = clock
  const keepMs = loaded.policy.audit.retention.records
  const budgetFile = { stateDir: paths.stateDir, monotonicMs, epochMs, keepMs }
  const budgets = hasCeiling(loaded.policy.budgets) ? openBudgets(budgetFile) : openBudgetsLater(budgetFile)
  const heads =
    settings.heads ?? headsInForce(loaded, openLearnedHeads(join(paths.stateDir, 'heads'), clock.monotonicMs))
  const conversations = openConversations({
    path: join(settings.auditDir ?? paths.stateDir, 'conversations.sqlite'),
    memoryMs: loaded.policy.privacy.conversationMemory,
    epochMs: clock.epochMs,
  })
  const models = Object.entries(loaded.policy.models).map(([name, policy]) =>
    rosterModel({ name, policy, loaded, heads, paths, env, settings, availableMemory }),
  )
  const calibrations = openCalibrations(join(paths.stateDir, 'calibrations'), clock.monotonicMs)
  const examples = openKeptExamples(join(settings.auditDir ?? paths.stateDir, 'examples'))
  const textReader = createTextReader()
  // A trial takes the stages as its policy says them, and moves nobody's.
  const rollouts = settings.auditDir === undefined ? openRollouts(paths.stateDir, clock.monotonicMs) : NO_ROLLOUTS
  // Of a trial nobody waits for an answer.
  const held = settings.auditDir === undefined ? heldIn({ loaded, env, stateDir, clock }) : null
  const readAudit = (query: AuditQuery) => log.list(query)
  return routerFrom({
    loaded,
    roster: createRoster(models, clock),
    journal: settings.onSettled ? toldJournal(log.journal, settings.onSettled) : log.journal,
    clock,
    price: settings.collect ? batchCost : callCost,
    windowTokens,
    newId: () => requestIdAt(clock.epochMs()),
    random: Math.random,
    calibrations,
    heads,
    budgets,
    checks: createCheckRunner({ path: env.PATH ?? '', hidden: privateFolders(env, paths) }),
    conversations,
    content: sealer,
    held: held?.place ?? null,
    killSwitch: openKillSwitch(paths.stateDir, clock.monotonicMs),
    overrides: settings.auditDir === undefined ? openTaskOverrides(paths.stateDir, clock) : NO_OVERRIDES,
    rollouts,
    cache: openAnswerCache(loaded.policy.cache, clock.monotonicMs),
    onDraft: settings.onDraft ?? (() => undefined),
    priors: openPriors(join(paths.stateDir, 'priors'), clock.monotonicMs),
    examples,
    watch: createAuditWatch({ calibrations, readAudit, clock }),
    stages: createRolloutWatch({
      rollouts,
      eachAudit: log.each,
      journal: log.journal,
      clock,
      newId: randomUUID,
      policyDigest: loaded.digest,
      answering: (task) => answeringNow({ loaded, rollouts }, task),
      changedSince: (digest, task) => {
        const before = digest === loaded.digest ? null : readPolicy(stateDir, digest)
        return before ? changedSince(before.policy, loaded.policy, task) : []
      },
      hasFrontier: (task) => hasFrontier(task, loaded),
    }),
    buddies: createBuddyWatch({
      book: openBuddies(join(paths.stateDir, 'buddies'), clock.monotonicMs),
      readAudit,
      clock,
    }),
    placeholders: createPlaceholderNumbers(),
    textReader,
    pluginNotice: tellOfPlugins(),
    tracing: openTracing(loaded.policy.telemetry),
    turns: createTurnBook(),
    novelty: createNoveltyWatch(
      (task, learn) => examples.list(task, keptLimits(learn, clock.epochMs())),
      clock.monotonicMs,
    ),
    harmless: createHarmlessScores(
      keptIn<readonly number[]>(join(paths.dataDir, 'heads'), 'stop check', ENGINE_VERSION),
    ),
    readAudit,
    auditHealth: log.health,
    closeStores: async () => {
      budgets.close()
      conversations.close()
      await textReader.close()
      await held?.close()
      await log.close()
    },
  })
}

interface HeldSetup {
  readonly loaded: LoadedPolicy
  readonly env: Environment
  readonly stateDir: string
  readonly clock: Clock
}

function heldIn({ loaded, env, stateDir, clock }: HeldSetup): OpenHeldPlace {
  const { holdFor: holdMs, keep, maxWaiting, webhook } = loaded.policy.review
  // Found missing now, and not when the first request is held.
  if (keep === 'text') contentSealer(env)
  const { epochMs } = clock
  const noticeOf = webhook ? (row: HeldRow) => noticeBody(row, new Date(epochMs()).toISOString()) : () => null
  const book = openHeldLater({ stateDir, env, epochMs, holdMs, maxWaiting, noticeOf })
  return openHeldPlace({ book, clock, post: webhook ? webhookOf({ loaded, env, clock }) : undefined })
}

/** Null while its secret is not set. */
function webhookOf({ loaded, env, clock }: Omit<HeldSetup, 'stateDir'>): PostNotice | null {
  const { webhook } = loaded.policy.review
  const secret = loaded.connections.webhook?.secret ?? null
  if (!webhook || secret === null) return null
  const url = new URL(webhook.url)
  const { privateNetwork } = webhook
  const settings = { url, secret, privateNetwork, proxy: proxyFor(url, loaded.policy.network, env) }
  return (notice, signal) => postWebhook(settings, notice, { nowMs: clock.epochMs(), signal })
}

/** What a command over an answer has no business in. */
function privateFolders(env: Environment, { stateDir, dataDir, cacheDir }: Paths): readonly string[] {
  return [...(env.HOME ? [env.HOME] : []), stateDir, dataDir, cacheDir]
}

/** Texts are only there where they are kept now, or were under an earlier policy: their span counts in any case. */
function retentionOf({ retention }: Policy['audit']) {
  return { recordsMs: retention.records, contentMs: retention.content }
}

function hasCeiling({ day, month, tasks, tenants }: Policy['budgets']): boolean {
  const own = [...Object.values(tasks), ...Object.values(tenants)]
  return [{ day, month }, ...own].some((ceiling) => ceiling.day !== undefined || ceiling.month !== undefined)
}

/** @throws RouterError policy_not_found, policy_invalid, env_missing */
export function loadPolicy(policy: RouterSettings['policy'], env: Environment): LoadedPolicy {
  if (typeof policy === 'string') return loadPolicyFile(policy, env)
  return isLoaded(policy) ? policy : validatePolicy(policy, { file: '(given as an object)', env })
}

function isLoaded(policy: PolicyInput | LoadedPolicy): policy is LoadedPolicy {
  return 'digest' in policy && 'missingKeys' in policy
}

interface ModelSetup {
  readonly name: string
  readonly policy: ModelPolicy
  readonly loaded: LoadedPolicy
  readonly heads: HeadsInForce
  readonly paths: Paths
  readonly env: Environment
  readonly settings: RouterSettings
  readonly availableMemory: () => number
}

function rosterModel(setup: ModelSetup): RosterModel {
  const { name, policy, paths, loaded, settings } = setup
  const given = givenModel(setup)
  const around = settings.around ?? ((_name, port) => port)
  const missing = loaded.missingKeys[name]
  return {
    name,
    policy,
    lanes: loaded.lanes.get(name) ?? [],
    open: (lane, adapter) => {
      if (given) return around(name, given)
      const own = adapter && policy.provider === 'embedded' ? { ...setup, policy: { ...policy, adapter } } : setup
      return around(name, withTaskHeads(openModel(own, lane), own))
    },
    fillsIn: () =>
      policy.provider === 'embedded'
        ? given === undefined && embeddedFillsIn({ name, policy, paths, env: setup.env })
        : policy.can.includes('infill'),
    fitsBeside: (other) => given !== undefined || fitsBeside(setup, other),
    obstacle: () => {
      if (missing) return { reason: 'frontier_down', why: `no key set (${missing})` }
      if (given) return null
      if (policy.provider === 'mcp-client') return settings.clientModel ? settings.clientModel.obstacle() : NO_CLIENT
      if (policy.provider !== 'embedded') return aiSdkObstacle(policy, name)
      const { env, availableMemory } = setup
      return embeddedObstacle({ name, policy, paths, env, memory: loaded.policy.memory }, availableMemory)
    },
  }
}

function givenModel({ name, policy, settings }: ModelSetup): ModelPort | undefined {
  const given = settings.models?.[name]
  if (!given || !isSdkModelObject(given)) return given
  const { tier, maxOutputTokens } = policy
  return createSdkObjectModel({ name, tier, maxOutputTokens, model: given })
}

const NO_CLIENT = { reason: 'frontier_down', why: 'only `spillway mcp` reaches the model of its client' } as const

/** What other servers hold in memory is theirs to say. */
function fitsBeside({ name, policy, loaded, paths, env, availableMemory }: ModelSetup, other: string): boolean {
  const second = loaded.policy.models[other]
  if (policy.provider !== 'embedded' || second?.provider !== 'embedded') return true
  const here = { paths, env, memory: loaded.policy.memory }
  return embeddedFitsBeside({ name, policy, ...here }, { name: other, policy: second, ...here }, availableMemory())
}

function withTaskHeads(port: ModelPort, { loaded, heads, paths }: ModelSetup): ModelPort {
  const folder = join(paths.dataDir, 'heads')
  const decider = withHeads(port, { heads, folder, excerpt: excerptForDecision })
  return withComparison(decider, { pairs: loaded.pairs, store: keptIn<SimilarityHead>(folder) })
}

/** What a model made of examples, by all that it depends on. */
function keptIn<Kept>(folder: string, ...always: readonly string[]) {
  return {
    read: (parts: readonly unknown[]) => readHead<Kept>(folder, keyOf([...always, ...parts])),
    write: (parts: readonly unknown[], kept: Kept) => writeHead(folder, keyOf([...always, ...parts]), kept),
  }
}

function openModel({ name, policy, loaded, paths, env, settings }: ModelSetup, lane: Lane): ModelPort {
  const { clientModel, collect } = settings
  return ADAPTERS[policy.provider]({ name, policy, lane, loaded, paths, env, clientModel, collect })
}
