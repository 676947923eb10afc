/** The gates of plugins: asked beside the gates that cost nothing, each within its time. */
import type { Asked } from '../patterns/pattern.ts'
import type { Verdict } from '../spec/decision.ts'
import {
  type GatePlugin,
  isForTask,
  type LoadedPlugin,
  type PluginMessage,
  type PluginOpinion,
  pluginLabel,
  pluginsOf,
} from '../spec/plugin.ts'
import { type Message, messageText } from '../spec/request.ts'
import { abortedBy } from './attempt.ts'
import type { AskContext } from './exchange.ts'
import { notePlugin, pluginFailed } from './plugin-notes.ts'
import type { PipelineDeps } from './run.ts'

/** The gates of plugins that are for a task. */
export function gatePlugins(
  task: string,
  { loaded }: Pick<PipelineDeps, 'loaded'>,
): readonly LoadedPlugin<GatePlugin>[] {
  return pluginsOf(loaded.plugins, 'gate').filter((one) => isForTask(one, task))
}

/**
 * One verdict for each, in the order of the policy. One that throws, or is not done in time, has not accepted.
 *
 * @throws RouterError cancelled, deadline_exceeded
 */
export async function pluginVerdicts(
  context: AskContext,
  asked: Pick<Asked, 'answer' | 'option'>,
): Promise<readonly Verdict[]> {
  return Promise.all(
    gatePlugins(context.run.features.task, context.deps).map((one) => verdictOf(one, { ...context, asked })),
  )
}

interface Checking extends AskContext {
  readonly asked: Pick<Asked, 'answer' | 'option'>
}

async function verdictOf({ plugin, timeoutMs }: LoadedPlugin<GatePlugin>, checking: Checking): Promise<Verdict> {
  const gate = pluginLabel(plugin)
  const unmeasured = { gate, score: null, threshold: null }
  try {
    const opinion = await withinTime(plugin, timeoutMs, checking)
    notePlugin(checking.run.plugins, plugin, opinion.accepted ? 'accepted' : 'rejected')
    const { accepted, detail, score = null, threshold = null } = opinion
    return {
      gate,
      accepted,
      reason: accepted ? null : 'check_failed',
      score,
      threshold,
      detail: detail.slice(0, MAX_DETAIL_CHARS),
    }
  } catch (error) {
    if (checking.signal.aborted) throw abortedBy(checking, error)
    pluginFailed(checking.run, checking.deps, { plugin, error })
    const kind = error instanceof Error ? error.name : typeof error
    const detail = `Gate ${gate} failed (${kind}); its answer is not accepted.`
    return { ...unmeasured, accepted: false, reason: 'gate_error', detail }
  }
}

const MAX_DETAIL_CHARS = 300

/** A function that never gives the thread back cannot be stopped: only what waits is. */
async function withinTime(
  plugin: GatePlugin,
  timeoutMs: number,
  { run, signal, asked }: Checking,
): Promise<PluginOpinion> {
  const over = AbortSignal.any([signal, AbortSignal.timeout(timeoutMs)])
  const late = new Promise<never>((_, reject) => {
    over.addEventListener('abort', () => reject(over.reason), { once: true })
  })
  const { answer, option } = asked
  const said = (async () =>
    plugin.check({
      task: run.features.task,
      kind: run.task.kind,
      messages: pluginMessages(run.request.messages),
      answer: { text: answer.text, toolCalls: answer.toolCalls.map((call) => ({ ...call })) },
      option: option && { value: option.value, probability: option.probability },
      signal: over,
    }))()
  // Whoever loses the race may still fail.
  said.catch(() => undefined)
  late.catch(() => undefined)
  return opinionIn(await Promise.race([said, late]))
}

/** Anything that is not plainly an opinion accepts nothing. */
function opinionIn(value: unknown): PluginOpinion {
  const { accepted, detail, score, threshold } = (value ?? {}) as Readonly<Record<string, unknown>>
  if (typeof accepted !== 'boolean' || typeof detail !== 'string')
    throw new TypeError('it returned no { accepted, detail }')
  return {
    accepted,
    detail,
    ...(typeof score === 'number' && Number.isFinite(score) && { score }),
    ...(typeof threshold === 'number' && Number.isFinite(threshold) && { threshold }),
  }
}

/** A copy: what a plugin does to it changes nothing. */
export function pluginMessages(messages: readonly Message[]): readonly PluginMessage[] {
  return messages.map((message) => ({ role: message.role, text: messageText(message) }))
}
