/** The steps of a cascade: who is asked in turn, cheapest first, until gates accept. Pure. */
import { type Actor, type Reason, type Removal, type RouteTier, TIERS } from '../spec/decision.ts'
import type { ModelState } from '../spec/ports.ts'

export interface TierQuestion {
  /** Usable models of each actor that may be asked, first choice first. */
  readonly local: readonly ModelState[]
  readonly frontier: readonly ModelState[]
  /** The task's own tiers, each a list of models or tiers; null where the tier of each model decides. */
  readonly named: readonly (readonly string[])[] | null
  readonly removals: readonly Removal[]
  /** Name or tier that the caller wants to be asked first: nothing cheaper of its kind is asked before it. */
  readonly prefer: string | undefined
  /** `routing.maxFallbackAttempts`: steps after the first. */
  readonly maxSteps: number
}

/**
 * Local models by their tier, then the frontiers; with tiers of the task's own, as it names them. Where somebody wants the
 * strongest model (a hard stop, a critical action, a stage in which nothing is tried out) only the last hosted step is left.
 * Too many steps lose those in the middle: the last one is who may answer without a gate.
 */
export function tiersOf(question: TierQuestion): readonly RouteTier[] {
  const { named, removals, maxSteps } = question
  const all = named ? preferred(question, named) : [...byTier(question.local), ...step('frontier', question.frontier)]
  const hosted = all.filter(({ actor }) => actor === 'frontier')
  const tiers = wantsStrongest(removals) ? [...all.filter(({ actor }) => actor === 'local'), ...hosted.slice(-1)] : all
  const most = 1 + Math.max(1, maxSteps)
  return tiers.length <= most ? tiers : [...tiers.slice(0, most - 1), ...tiers.slice(-1)]
}

/** Without names the order within an actor already follows the wish. */
function preferred(question: TierQuestion, named: readonly (readonly string[])[]): readonly RouteTier[] {
  const tiers = namedTiers(question, named)
  const wanted = [...question.local, ...question.frontier].filter(
    ({ name, tier }) => name === question.prefer || tier === question.prefer,
  )
  const first = tiers.findIndex(({ models }) => wanted.some(({ name }) => models.includes(name)))
  return tiers.filter(({ actor }, index) => index >= first || actor !== tiers[first]?.actor)
}

function namedTiers({ local, frontier }: TierQuestion, named: readonly (readonly string[])[]): readonly RouteTier[] {
  return named.flatMap((slot) => {
    const isNamed = ({ name, tier }: ModelState): boolean => slot.includes(name) || slot.includes(tier)
    return [...step('local', local.filter(isNamed)), ...step('frontier', frontier.filter(isNamed))]
  })
}

/** A smaller model behind a larger one stands in for it; nothing that the larger one answered goes down to it. */
function byTier(models: readonly ModelState[]): readonly RouteTier[] {
  const steps: { rank: number; models: string[] }[] = []
  for (const { name, tier } of models) {
    const rank = TIERS.indexOf(tier)
    const last = steps.at(-1)
    if (last && rank <= last.rank) last.models.push(name)
    else steps.push({ rank, models: [name] })
  }
  return steps.map(({ models: names }) => ({ actor: 'local', models: names }))
}

function step(actor: Actor, models: readonly ModelState[]): readonly RouteTier[] {
  return models.length === 0 ? [] : [{ actor, models: models.map(({ name }) => name) }]
}

/** Why a local model may not answer, where the same speaks against a cheap hosted one. */
const STRONGEST: ReadonlySet<Reason> = new Set([
  'unknown_task',
  'quality_critical',
  'policy_requires_frontier',
  'manual_override',
  'stage_off',
  'stage_shadow',
  'canary_excluded',
])

function wantsStrongest(removals: readonly Removal[]): boolean {
  const local = removals.filter(({ actor }) => actor === 'local')
  // A task, or a key, without local models only says that there is none to ask.
  const isForbidden = ({ reason, detail }: Removal): boolean =>
    reason === 'policy_requires_frontier' && local.some((other) => other.set === 'call' && other.detail === detail)
  return local.some(
    (removal) =>
      removal.set === 'serve' &&
      (removal.reason.startsWith('hard_stop_') || STRONGEST.has(removal.reason)) &&
      !isForbidden(removal),
  )
}
