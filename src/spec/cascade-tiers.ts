/** What tiers of a task's own mean for the rest of the policy. Pure. */
import { TIERS, type Tier } from './decision.ts'
import type { Policy, TaskPolicy } from './policy.ts'
import type { PolicyProblem } from './policy-problem.ts'
import { closest } from './suggest.ts'

/** The tiers that the task names itself; null when the tier of each model decides. */
export function namedTiers({ pattern }: Pick<TaskPolicy, 'pattern'>): readonly (readonly string[])[] | null {
  return pattern.cascade?.tiers ?? null
}

/** @returns the policy with `local` and `frontier` of every task that names tiers instead */
export function withTierSlots(policy: Policy): Policy {
  if (!Object.values(policy.tasks).some((task) => namedTiers(task))) return policy
  const tasks = Object.entries(policy.tasks).map(([name, task]) => [name, withSlots(task, policy)])
  return { ...policy, tasks: Object.fromEntries(tasks) }
}

function withSlots(task: TaskPolicy, policy: Policy): TaskPolicy {
  const entries = namedTiers(task)?.flat()
  if (!entries) return task
  const isHosted = (entry: string): boolean => tierOf(entry, policy) === 'frontier'
  const [local, frontier] = [entries.filter((entry) => !isHosted(entry)), entries.filter(isHosted)]
  return { ...task, local: local.length > 0 && local, frontier: frontier.length > 0 && frontier }
}

/** @returns why these tiers cannot be climbed as they stand */
export function cascadeProblems(name: string, task: TaskPolicy, policy: Policy): readonly PolicyProblem[] {
  const tiers = namedTiers(task)
  if (!tiers) return []
  const path = ['tasks', name, 'pattern', 'cascade', 'tiers']
  const own = withSlots(task, policy)
  const slot = (['local', 'frontier'] as const).find(
    (key) => task[key] !== undefined && String(task[key]) !== String(own[key]),
  )
  if (slot !== undefined)
    return [{ path: ['tasks', name, slot], problem: 'the tiers of its cascade name the models', fix: 'Remove it.' }]
  const unknown = tiers.flat().find((entry) => tierOf(entry, policy) === undefined)
  if (unknown !== undefined) return [{ path, ...unknownEntry(unknown, policy) }]
  const found = firstProblem(tiers, policy) ?? evidenceProblem(tiers, task, policy)
  return found ? [{ path, ...found }] : []
}

type Problem = Pick<PolicyProblem, 'problem' | 'fix'>

function unknownEntry(entry: string, policy: Policy): Problem {
  const known = [...Object.keys(policy.models), ...TIERS]
  const near = closest(entry, known)
  const fix = near ? `Did you mean ${near}?` : `Known: ${known.join(', ')}.`
  return { problem: `there is no model or tier ${entry}`, fix }
}

function firstProblem(tiers: readonly (readonly string[])[], policy: Policy): Problem | null {
  const entries = tiers.flat()
  const twice = entries.find((entry, index) => entries.indexOf(entry) !== index)
  if (twice !== undefined) return { problem: `${twice} stands in it twice`, fix: 'Name each model once.' }
  const mixed = tiers.find((slot) => new Set(slot.map((entry) => isHosted(entry, policy))).size > 1)
  if (mixed)
    return { problem: `${mixed.join(' and ')} are not both local`, fix: 'Give the hosted ones a tier of their own.' }
  const most = 1 + policy.routing.maxFallbackAttempts
  if (tiers.length > Math.max(2, most)) {
    const fix = `Set routing.maxFallbackAttempts: ${tiers.length - 1}, or name fewer.`
    return { problem: `${tiers.length} tiers need more than the ${most} attempts that routing allows`, fix }
  }
  return orderProblem(tiers, policy)
}

/** Local tiers come before hosted ones, and those in the order of their price as far as the policy says it. */
function orderProblem(tiers: readonly (readonly string[])[], policy: Policy): Problem | null {
  const costs = tiers.flatMap((slot) => {
    const usd = costOf(slot, policy)
    return usd === null ? [] : [{ names: slot.join(', '), usd }]
  })
  const firstHosted = tiers.findIndex((slot) => slot.some((entry) => isHosted(entry, policy)))
  const late = tiers.findLast(
    (slot, index) => index > firstHosted && firstHosted >= 0 && costOf(slot, policy) === LOCAL,
  )
  const fix = 'Put the cheaper one first.'
  if (late) return { problem: `${late.join(', ')} is local and stands behind a hosted tier`, fix }
  const index = costs.findIndex(({ usd }, at) => at > 0 && usd < (costs[at - 1]?.usd ?? 0))
  if (index < 0) return null
  return { problem: `${costs[index]?.names} costs less than ${costs[index - 1]?.names} before it`, fix }
}

/** Nobody is paid for it. */
const LOCAL = -1

/** US dollars for a million tokens in and a million out of the dearest model; null where the policy does not say. */
function costOf(slot: readonly string[], policy: Policy): number | null {
  if (!slot.some((entry) => isHosted(entry, policy))) return LOCAL
  const prices = slot.flatMap((entry) => policy.models[entry]?.priceUsdPerMillion ?? [])
  return prices.length === 0 ? null : Math.max(...prices.map(({ input, output }) => input + output))
}

/** What a hosted model is sure of is not known, so an answer of one in the middle would never be accepted. */
function evidenceProblem(tiers: readonly (readonly string[])[], task: TaskPolicy, policy: Policy): Problem | null {
  const middle = tiers.slice(0, -1).find((slot) => slot.some((entry) => isHosted(entry, policy)))
  if (!middle || task.accept.maxErrorRate !== undefined) return null
  const name = middle.join(', ')
  if (task.kind !== 'text' && task.kind !== 'code')
    return {
      problem: `a hosted model reads no probability of an answer of kind ${task.kind}, so ${name} would always be rejected`,
      fix: 'Leave it out, or put it last.',
    }
  if (task.gates.entropyNats === null) return null
  return {
    problem: `a hosted model gives no token entropy, so ${name} would always be rejected`,
    fix: 'Set gates: { entropyNats: null } and name gates that need no signals: schema, verify, quality or judge.',
  }
}

function isHosted(entry: string, policy: Policy): boolean {
  return tierOf(entry, policy) === 'frontier'
}

function tierOf(entry: string, policy: Policy): Tier | undefined {
  return policy.models[entry]?.tier ?? TIERS.find((known) => known === entry)
}
