import { firstRejection } from '../gates/gates.ts'
import type { Verdict } from '../spec/decision.ts'
import type { PluginAnswer, PluginPatternInput, PluginPatternTools } from '../spec/plugin.ts'
import { patternOptions } from '../spec/policy-patterns.ts'
import { messageText } from '../spec/request.ts'
import { cascade } from './cascade.ts'
import type { Asked, Pattern, PatternInput, PatternResult, PatternTools } from './pattern.ts'

/**
 * A pattern from outside of this package. It is asked where both a local model may answer and nothing forces the route; every other request, a
 * drawn one, and one on which it fails go the way of the cascade.
 */
export const plugin: Pattern = async (input, tools) => {
  const { decision, task } = input
  if (decision.route !== 'local' || decision.degraded || tools.isSampled) return cascade(input, tools)
  const { name } = patternOptions(task, 'plugin')
  const result = await tools.plugin(name, async (own) => {
    const work: Work = { answers: new Map(), rejected: null, isOver: false }
    try {
      return await settled(input, tools, { work, chosen: await own.run(inputOf(input), toolsOf(input, tools, work)) })
    } finally {
      work.isOver = true
    }
  })
  return result ?? cascade(input, tools)
}

/** What a plugin got, and what gates had against it. */
interface Work {
  readonly answers: Map<PluginAnswer, Asked>
  /** The last answer that it had checked and gates rejected. */
  rejected: readonly Verdict[] | null
  /** What it does after it returned or threw is nobody's any more. */
  isOver: boolean
}

/** Rules and gates hold for it as for every pattern; what breaks them was not returned. */
async function settled(
  { decision }: PatternInput,
  tools: PatternTools,
  { work, chosen }: { readonly work: Work; readonly chosen: PluginAnswer },
): Promise<PatternResult> {
  const asked = work.answers.get(chosen)
  if (!asked) throw new TypeError('it returned an answer that it did not get')
  if (!decision.serve.includes(asked.actor))
    throw new TypeError(`it returned an answer of ${asked.actor}, who may not answer`)
  const served = { asked, degraded: false, wouldEscalateTo: null }
  if (asked.actor === 'frontier') {
    const verdicts = work.rejected ?? []
    const reason = firstRejection(verdicts)?.reason ?? decision.reason ?? 'policy_requires_frontier'
    return { ...served, reason, verdicts }
  }
  const verdicts = await tools.check(asked)
  const rejected = firstRejection(verdicts)
  if (rejected) throw new TypeError(`it returned an answer that gate ${rejected.gate} rejected`)
  return { ...served, reason: 'local_accepted', verdicts }
}

function inputOf({ request, decision, task }: PatternInput): PluginPatternInput {
  const messages = request.messages.map((message) => ({ role: message.role, text: messageText(message) }))
  return { task: decision.task, kind: task.kind, messages, serve: [...decision.serve], call: [...decision.call] }
}

function toolsOf({ request }: PatternInput, tools: PatternTools, work: Work): PluginPatternTools {
  const requireOpen = (): void => {
    if (work.isOver) throw new TypeError('it asks for something after it has ended')
  }
  return {
    ask: async (whom, { instruction } = {}) => {
      requireOpen()
      if (whom !== 'local' && whom !== 'frontier') throw new TypeError(`there is nobody called ${String(whom)} to ask`)
      const own = instruction === undefined ? [] : [{ role: 'system' as const, content: String(instruction) }]
      const asked = await tools.ask(whom, { ...request, messages: [...own, ...request.messages] }, 'held')
      const answer = Object.freeze({ actor: asked.actor, model: asked.model, text: asked.answer.text })
      work.answers.set(answer, asked)
      return answer
    },
    check: async (answer) => {
      requireOpen()
      const asked = work.answers.get(answer)
      if (!asked) throw new TypeError('it checks an answer that it did not get')
      const verdicts = await tools.check(asked)
      const rejected = verdicts.filter(({ accepted }) => !accepted)
      if (rejected.length > 0) work.rejected = verdicts
      return rejected.map(({ gate, detail }) => ({ gate, detail }))
    },
    note: (facts) => tools.note(facts),
  }
}
