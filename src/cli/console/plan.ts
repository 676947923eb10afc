/** The calculator of the cost page: the flags of `cost plan` as parameters. */
import { PLAN_DEFAULTS, PLAN_PRESETS } from '../../eval/cost-plan-presets.ts'
import { RouterError } from '../../spec/errors.ts'
import { type PlanFlags, planFor, type ToldPlan } from '../cost-plan.ts'
import { invalid, type Reading } from './reading.ts'

export interface PlanPage extends ToldPlan {
  readonly presets: typeof PLAN_PRESETS
  readonly defaults: typeof PLAN_DEFAULTS
  /** Frontiers of the policy, whose prices may be taken. */
  readonly frontiers: readonly string[]
}

/** @throws RouterError request_invalid */
export function plan({ loaded, values }: Reading): PlanPage {
  const { model, price, inputPrice, outputPrice } = values
  // Of what a form says of the price the nearest to a request counts.
  const priced = model !== undefined ? { model } : inputPrice !== undefined ? { inputPrice, outputPrice } : { price }
  const { model: _m, price: _p, inputPrice: _i, outputPrice: _o, ...rest } = values
  const flags = { preset: 'reference', ...rest, ...present(priced) } as PlanFlags
  const frontiers = Object.entries(loaded.policy.models).flatMap(([name, { tier }]) =>
    tier === 'frontier' ? [name] : [],
  )
  return { ...toldPlan(flags, () => loaded.policy), presets: PLAN_PRESETS, defaults: PLAN_DEFAULTS, frontiers }
}

function present(values: Readonly<Record<string, string | undefined>>): Readonly<Record<string, string>> {
  return Object.fromEntries(
    Object.entries(values).flatMap(([key, value]) => (value === undefined ? [] : [[key, value]])),
  )
}

/** What the command line calls a wrong flag is a wrong parameter here. */
function toldPlan(flags: PlanFlags, policyOf: Parameters<typeof planFor>[1]): ToldPlan {
  try {
    return planFor(flags, policyOf)
  } catch (error) {
    if (error instanceof RouterError && error.code === 'usage')
      throw invalid('the plan', String(error.values.problem), String(error.values.fix))
    throw error
  }
}
