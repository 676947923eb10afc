/**
 * Requests that hang on their text, asked again of the local models under another policy, where debug replay kept the text. Frontiers are
 * played: no text leaves, and nothing is paid.
 */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createRouter, type RouterSettings } from '../compose.ts'
import type { NotReplayable } from '../eval/replay/not-replayable.ts'
import type { ReplayQuestion } from '../eval/replay/replay.ts'
import { recordedFate } from '../eval/replay/replay-record.ts'
import { standInFrontier } from '../eval/run/frontier-stand-in.ts'
import type { AuditRecord, KeptContent } from '../spec/audit.ts'
import type { Circumstances } from '../spec/circumstances.ts'
import type { Usage } from '../spec/decision.ts'
import { toRouterError } from '../spec/errors.ts'
import type { LoadedPolicy, Policy, TaskPolicy } from '../spec/policy.ts'
import { budgetsSchema } from '../spec/policy-budgets.ts'
import { patternName } from '../spec/policy-patterns.ts'
import type { ModelCall, ModelPort } from '../spec/ports.ts'
import { messageText } from '../spec/request.ts'
import { readContent } from '../stores/kept-content.ts'
import type { ContentSealer } from '../stores/sealed-content.ts'

export interface RegeneratorSettings extends Pick<RouterSettings, 'env' | 'models'> {
  readonly next: LoadedPolicy
  readonly paths: NonNullable<RouterSettings['paths']>
  readonly sealer: ContentSealer
}

export interface Regenerator {
  readonly regenerate: NonNullable<ReplayQuestion['regenerate']>
  close(): Promise<void>
}

/** Reads of kept texts are logged, each by itself, before anything is made of them. */
export function openRegenerator({ next, paths, sealer, env, models }: RegeneratorSettings): Regenerator {
  const folder = mkdtempSync(join(tmpdir(), 'spillway-replay-'))
  const policy = quiet(next.policy)
  let said = ''
  const frontiers = Object.entries(policy.models).filter(([, { tier }]) => tier === 'frontier')
  const played = frontiers.map(([name, { model }]): [string, ModelPort] => [
    name,
    standInFrontier({ name, model, says: () => said, estimate: estimated }),
  ])
  const router = createRouter({
    policy: { ...next, policy, missingKeys: {} },
    auditDir: folder,
    models: { ...models, ...Object.fromEntries(played) },
    paths,
    ...(env && { env }),
  })
  return {
    async regenerate(record, why) {
      if (!BY_TEXT.has(why) || !isOrdinary(record.circumstances)) return null
      const content = contentOf(record, { paths, sealer })
      if (!content) return null
      said = record.route === 'frontier' ? (content.answer?.text ?? '') : ''
      await router.complete({ ...content.request, id: record.requestId }).catch(() => null)
      const [made] = router.audit({ requestId: record.requestId })
      if (!made || !isDecided(made, policy)) return null
      const calls = made.attempts.map((call) =>
        call.actor === 'frontier' ? { ...call, isAssumed: true as const } : call,
      )
      return { fate: recordedFate(made), how: 'regenerated', calls, beside: [], verdicts: made.verdicts }
    },
    async close() {
      await router.close()
      rmSync(folder, { recursive: true, force: true })
    },
  }
}

/** What the text, or a new local answer, tells. */
const BY_TEXT: ReadonlySet<NotReplayable> = new Set([
  'task_by_text',
  'complexity_by_text',
  'partition_by_text',
  'hard_stop_by_text',
  'solver_by_text',
  'no_answer',
  'other_answer',
  'gate_by_text',
  'draft_stopped',
  'opinion_missing',
] as const)

/** Orders, failures and turns of then cannot be played again. */
function isOrdinary(about: Circumstances | undefined): boolean {
  if (!about) return false
  const {
    orders,
    exhausted,
    before,
    turn,
    needs,
    withoutKey,
    missed,
    hasCostLimit,
    isSampled,
    rotated,
    models = {},
  } = about
  const isAway = Object.values(models).some(({ unavailable, isBarred }) => unavailable || isBarred)
  const unusual = [orders, exhausted, before, turn, needs, withoutKey, missed, hasCostLimit, isSampled, rotated]
  return !isAway && unusual.every((one) => one === undefined)
}

/** An answer of a model that could not be asked now, or of a frontier that is only played, decides nothing. */
function isDecided({ task, circumstances, attempts, settledAt }: AuditRecord, { tasks, models }: Policy): boolean {
  if (settledAt === null || !isOrdinary(circumstances)) return false
  if (attempts.some(({ outcome }) => outcome !== 'answered')) return false
  const own: TaskPolicy | undefined = tasks[task]
  if (!own) return true
  const pattern = patternName(own)
  const isHosted = (name: string | undefined): boolean => name !== undefined && models[name]?.tier === 'frontier'
  const asksHosted = isHosted(own.judge?.by) || own.agreement?.with.some(isHosted) || isHosted(own.quality?.by)
  return (pattern === 'cascade' || pattern === 'direct') && !asksHosted && own.novel === undefined
}

/** Nothing is kept, drawn, given again or refused for money. */
function quiet(policy: Policy): Policy {
  const tasks = Object.entries(policy.tasks).map(([name, task]) => [
    name,
    { ...task, accept: { ...task.accept, auditRate: 0 }, learn: { ...task.learn, keep: 'none' as const } },
  ])
  return {
    ...policy,
    tasks: Object.fromEntries(tasks),
    budgets: budgetsSchema.parse({}),
    cache: { ...policy.cache, exact: false, semantic: false },
    audit: { ...policy.audit, content: 'none', postgres: undefined },
  }
}

/** Null where none is kept. @throws RouterError content_unreadable, store_* */
function contentOf(
  { requestId }: AuditRecord,
  { paths, sealer }: Pick<RegeneratorSettings, 'paths' | 'sealer'>,
): KeptContent | null {
  try {
    return readContent(paths.stateDir, requestId, sealer)
  } catch (error) {
    if (toRouterError(error).code === 'not_found') return null
    throw error
  }
}

const CHARS_PER_TOKEN = 4

function estimated(call: ModelCall, chars: number): Usage {
  const input = call.messages.reduce((sum, message) => sum + messageText(message).length, 0)
  return {
    inputTokens: Math.ceil(input / CHARS_PER_TOKEN),
    outputTokens: Math.ceil(chars / CHARS_PER_TOKEN),
    source: 'estimated',
  }
}
