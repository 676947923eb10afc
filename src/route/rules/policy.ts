import type { Reason, Removal } from '../../spec/decision.ts'
import type { Policy, TaskPolicy } from '../../spec/policy.ts'
import { ADVISOR_NEED } from '../../spec/translation-anthropic.ts'
import { BOTH, type Rule, type RuleInput, remove, SERVE } from './rule.ts'

/** What the task, its size and the kind of work ask for. */
export const policyRule: Rule = (input) => [
  ...withoutLocal(input),
  ...abilities(input),
  ...importance(input),
  // Last: where nobody is left, the reader wants to know why local could not.
  ...withoutFrontier(input),
]

function withoutLocal({ task, features, policy }: RuleInput): readonly Removal[] {
  const removals: Removal[] = []
  if (!features.taskKnown && policy.routing.unknownTask === 'frontier')
    removals.push(...local('serve', 'unknown_task', `Task ${features.task} is not in the policy.`))
  if (task.local === false) removals.push(...local('both', 'policy_requires_frontier', 'The task sets local: false.'))
  return removals
}

function withoutFrontier({ task }: RuleInput): readonly Removal[] {
  if (task.frontier !== false) return []
  const detail = 'The task sets frontier: false.'
  return remove('frontier', BOTH, { rule: 'policy', reason: 'policy_requires_local', detail })
}

/** What the local engine cannot do yet, or is not given. */
function abilities(input: RuleInput): readonly Removal[] {
  const { task, features, policy, candidates } = input
  const { inputChars, hasImages, hasTools } = features
  // Who cannot answer may still tell the one who does what the rest of the request is about.
  const sets = mayAssist(task) ? 'serve' : 'both'
  const seesImages = candidates.local.some(({ name }) => policy.models[name]?.can.includes('images'))
  if (hasImages && !seesImages) return local(sets, 'capability_missing', 'The request holds images.')
  const lacking = lackingNeeds(input)
  if (lacking.length > 0) return local('both', 'capability_missing', `The request asks for ${lacking.join(', ')}.`)
  if (hasTools && task.kind !== 'tool' && !mayDrive(input))
    return local('both', 'capability_missing', 'The request offers tools.')
  if (inputChars > task.maxInputChars)
    return local(sets, 'input_too_large', `${inputChars} characters, maxInputChars is ${task.maxInputChars}.`)
  return []
}

function lackingNeeds(input: RuleInput): readonly string[] {
  const fillsIn = input.candidates.local.some((model) => model.fillsIn)
  const isMet = (need: string): boolean => (need === 'suffix' && fillsIn) || (need === ADVISOR_NEED && mayDrive(input))
  return input.features.needs.filter((need) => !isMet(need))
}

function mayAssist({ pattern: { specialist } }: TaskPolicy): boolean {
  return specialist !== undefined && specialist.context !== 'full' && specialist.subtask === undefined
}

/** Under the pattern `advisor` a local model may drive an agent. The embedded engine does not give tools to its models. */
function mayDrive({ task, candidates, policy }: RuleInput): boolean {
  const carriesTools = candidates.local.every(({ name }) => policy.models[name]?.provider !== 'embedded')
  return task.pattern.advisor?.tool === true && candidates.local.length > 0 && carriesTools
}

function importance({ task, features, policy, candidates }: RuleInput): readonly Removal[] {
  const action = features.action ?? features.task
  if (features.impact === 'high') return local('serve', 'policy_requires_frontier', 'The impact is high.')
  if (policy.routing.qualityCriticalActions.includes(action))
    return local('serve', 'quality_critical', `Action ${action} is in routing.qualityCriticalActions.`)
  if (features.affectsSystemState) return local('serve', 'quality_critical', 'The answer affects system state.')
  if (features.userVisibleOutput) return local('serve', 'quality_critical', 'The answer is shown to users.')
  if (features.wantsCodeChange && !mayChangeCode(task, action, policy))
    return local('serve', 'policy_requires_frontier', 'The text asks for a code change; the task does not allow it.')
  if (candidates.tier === 'frontier' && task.local === undefined)
    return local('serve', 'policy_requires_frontier', `Complexity ${features.complexity} needs the frontier tier.`)
  return []
}

function local(sets: 'serve' | 'both', reason: Reason, detail: string): readonly Removal[] {
  return remove('local', sets === 'both' ? BOTH : SERVE, { rule: 'policy', reason, detail })
}

function mayChangeCode(task: TaskPolicy, action: string, policy: Policy): boolean {
  return task.allowCodeChange || task.kind === 'code' || policy.routing.codeChangeActions.includes(action)
}
