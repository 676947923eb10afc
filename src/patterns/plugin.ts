import { firstRejection } from '../gates/gates.ts'
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
    const answers = new Map<PluginAnswer, Asked>()
    return settled(input, tools, answers.get(await own.run(inputOf(input), toolsOf(input, tools, answers))))
  })
  return result ?? cascade(input, tools)
}

/** Rules and gates hold for it as for every pattern; what breaks them was not returned. */
async function settled(input: PatternInput, tools: PatternTools, asked: Asked | undefined): Promise<PatternResult> {
  if (!asked) throw new TypeError('it returned an answer that it did not get')
  const { decision } = input
  if (!decision.serve.includes(asked.actor))
    throw new TypeError(`it returned an answer of ${asked.actor}, who may not answer`)
  const isLocal = asked.actor === 'local'
  const verdicts = isLocal ? await tools.check(asked) : []
  const rejected = firstRejection(verdicts)
  if (rejected) throw new TypeError(`it returned an answer that gate ${rejected.gate} rejected`)
  const reason = isLocal ? 'local_accepted' : (decision.reason ?? 'policy_requires_frontier')
  return { asked, reason, verdicts, degraded: false, wouldEscalateTo: null }
}

function inputOf({ request, decision, task }: PatternInput): PluginPatternInput {
  const messages = request.messages.map((message) => ({ role: message.role, text: messageText(message) }))
  return { task: decision.task, kind: task.kind, messages, serve: [...decision.serve], call: [...decision.call] }
}

function toolsOf(
  { request }: PatternInput,
  tools: PatternTools,
  answers: Map<PluginAnswer, Asked>,
): PluginPatternTools {
  return {
    ask: async (whom, { instruction } = {}) => {
      if (whom !== 'local' && whom !== 'frontier') throw new TypeError(`there is nobody called ${String(whom)} to ask`)
      const messages =
        instruction === undefined
          ? request.messages
          : [{ role: 'system' as const, content: instruction }, ...request.messages]
      const asked = await tools.ask(whom, { ...request, messages }, 'held')
      const answer = Object.freeze({ actor: asked.actor, model: asked.model, text: asked.answer.text })
      answers.set(answer, asked)
      return answer
    },
    check: async (answer) => {
      const asked = answers.get(answer)
      if (!asked) throw new TypeError('it checks an answer that it did not get')
      const verdicts = await tools.check(asked)
      return verdicts.filter(({ accepted }) => !accepted).map(({ gate, detail }) => ({ gate, detail }))
    },
    note: (facts) => tools.note(facts),
  }
}
