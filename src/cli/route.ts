/** `spillway route`: where a request would go and why, without calling any model. */
import type { Explanation } from '../spec/router.ts'
import { type AddCommand, addCommand, type CliContext } from './context.ts'
import { policyOrDetected } from './detected-policy.ts'
import { withRouter } from './open-router.ts'
import { addRequestOptions, type RequestFlags, requestFromFlags } from './request-options.ts'

interface RouteFlags extends RequestFlags {
  readonly json?: true
}

export const addRoute: AddCommand = (program, context) => {
  addRequestOptions(
    addCommand(program, 'route [prompt...]', 'explain where a request would go; calls no model'),
  ).action((words: readonly string[], flags: RouteFlags) => explain(words, flags, context))
}

async function explain(words: readonly string[], flags: RouteFlags, context: CliContext): Promise<void> {
  const policy = await policyOrDetected(flags.policy, context)
  const request = await requestFromFlags(words, flags)
  const explanation = await withRouter(policy, context, (router) => router.route(request))
  if (flags.json) return context.terminal.json(explanation)
  for (const line of explanationLines(explanation)) context.terminal.print(line)
}

/** What decides first stands first. */
function explanationLines({ features, decision, solver, gates }: Explanation): readonly string[] {
  const wouldGo = decision.wouldEscalateTo
  return [
    `route      ${solver ? 'solver' : decision.route}${decision.degraded ? ', degraded' : ''}`,
    `reason     ${solver ? 'solver_answered' : (decision.reason ?? 'the gates decide')}`,
    ...(solver ? [`answer     ${solver.answer} (${solver.name})`] : []),
    `task       ${features.task} (${features.taskSource}), ${features.kind}`,
    `tier       ${decision.tier}, ${features.complexity}, ${decision.pattern}, stage ${decision.stage}`,
    `local      ${decision.local.join(', ') || 'nobody'}`,
    `frontier   ${decision.frontier.join(', ') || 'nobody'}`,
    ...(decision.tiers.length > 1
      ? [`tiers      ${decision.tiers.map(({ models }) => models.join(' or ')).join(', then ')}`]
      : []),
    ...decision.excluded.map(({ model, why }) => `not to     ${model}: ${why}`),
    ...(wouldGo ? [`escalation would go to ${wouldGo.model}: ${wouldGo.why}`] : []),
    `partition  ${features.partition} (${features.partitionSource})${features.anonymised ? ', may leave anonymised' : ''}`,
    ...(decision.continues
      ? [`continues  ${decision.continues.model} (${decision.continues.because}): ${decision.continues.detail}`]
      : []),
    `gates      ${gates.join(', ') || 'none'}`,
    ...features.hardStops.map((hit) => `hard stop  ${hit.kind}: "${hit.term}" in ${hit.field}`),
    ...noveltyLines(features),
    ...decision.removals.map(
      (item) => `removed    ${item.actor} from ${item.set} (${item.rule}, ${item.reason}): ${item.detail}`,
    ),
    ...(decision.approvalRequired ? ['approval   a person decides before acting on the answer'] : []),
  ]
}

function noveltyLines({ novelty }: Explanation['features']): readonly string[] {
  if (!novelty) return []
  if (novelty.state === 'no_history')
    return [`novelty    no history yet: ${novelty.examples} of ${novelty.needed} examples; nothing is stopped as novel`]
  const share = (value: number): string => `${(100 * value).toFixed(1)} %`
  return [
    `novelty    ${share(novelty.unlike)} of the history is as unlike, ${novelty.conflict === null ? 'conflict unknown' : `${share(novelty.conflict)} as conflicting`} (${novelty.examples} examples)`,
  ]
}
