/** What a JSON Schema leaves open, as a plan for writing a value of it. Pure. */

/** `written`, `choice` and the two generated kinds are leaves; the others hold plans. */
export type Plan =
  | { readonly kind: 'written'; readonly json: string }
  /** At least two values, as JSON text, all different. */
  | { readonly kind: 'choice'; readonly values: readonly string[] }
  /** Lengths in code points, as JSON Schema counts. */
  | { readonly kind: 'string'; readonly minLength: number; readonly maxLength: number }
  | { readonly kind: 'number'; readonly integer: boolean; readonly negative: boolean }
  | { readonly kind: 'object'; readonly properties: readonly PlannedProperty[] }
  | { readonly kind: 'map'; readonly value: Plan; readonly minEntries: number; readonly maxEntries: number }
  | ArrayPlan
  /** At least two branches. */
  | { readonly kind: 'union'; readonly branches: readonly Plan[] }
  /** A named schema; `target` is asked while writing, so a schema may hold itself. */
  | { readonly kind: 'reference'; readonly name: string; readonly target: () => Plan }

export interface PlannedProperty {
  readonly key: string
  readonly required: boolean
  readonly plan: Plan
}

export interface ArrayPlan {
  readonly kind: 'array'
  /** Plans of the first items, by place. */
  readonly prefix: readonly Plan[]
  /** Plan of the items after them. */
  readonly item: Plan
  readonly minItems: number
  readonly maxItems: number
  readonly unique: boolean
}

/**
 * Texts a value of the plan can begin with, so that branches can be told apart by what the model would begin. A text is
 * as long as it is certain: up to the first place where a value is decided or generated.
 *
 * @param depth levels of nesting that are looked into; deeper ones show their bracket only
 * @returns at least one text, at most `MAX_OPENINGS`
 */
export function openings(plan: Plan, depth = 3): readonly string[] {
  switch (plan.kind) {
    case 'written':
      return [plan.json]
    case 'choice':
      return plan.values.slice(0, MAX_OPENINGS)
    case 'string':
      return ['"']
    case 'number':
      return plan.negative ? ['-', ...DIGITS] : DIGITS
    case 'map':
      return plan.minEntries > 0 ? ['{"'] : ['{"', '{}']
    case 'object':
      return objectOpenings(plan.properties, depth)
    case 'array':
      return arrayOpenings(plan, depth)
    case 'union':
      return distinct(plan.branches.flatMap((branch) => openings(branch, depth)))
    case 'reference':
      return depth <= 0 ? [''] : openings(plan.target(), depth - 1)
  }
}

const DIGITS = ['0', '1', '2', '3', '4', '5', '6', '7', '8', '9'] as const

/** Each is read at one or two places at most; more would cost more than the answer. */
const MAX_OPENINGS = 64

function objectOpenings(properties: readonly PlannedProperty[], depth: number): readonly string[] {
  if (depth <= 0) return ['{']
  const { candidates, mayEnd } = nextProperties(properties, 0)
  const texts = candidates.flatMap(({ key, plan }) =>
    openings(plan, depth - 1).map((opening) => `{${JSON.stringify(key)}: ${opening}`),
  )
  return distinct(mayEnd ? [...texts, '{}'] : texts)
}

function arrayOpenings(plan: ArrayPlan, depth: number): readonly string[] {
  if (depth <= 0) return ['[']
  const texts = plan.maxItems === 0 ? [] : openings(itemPlan(plan, 0), depth - 1).map((opening) => `[${opening}`)
  return distinct(plan.minItems === 0 ? [...texts, '[]'] : texts)
}

function distinct(texts: readonly string[]): readonly string[] {
  return [...new Set(texts)].slice(0, MAX_OPENINGS)
}

/** The plan of the item at a place. */
export function itemPlan(plan: ArrayPlan, at: number): Plan {
  return plan.prefix[at] ?? plan.item
}

/**
 * The properties that may come next, in the schema's order: optional ones up to and with the next required one.
 *
 * @param from index of the first property that was not looked at yet
 * @returns `mayEnd` when no required property is left
 */
export function nextProperties(
  properties: readonly PlannedProperty[],
  from: number,
): { readonly candidates: readonly PlannedProperty[]; readonly mayEnd: boolean } {
  const required = properties.findIndex((property, at) => at >= from && property.required)
  return required < 0
    ? { candidates: properties.slice(from), mayEnd: true }
    : { candidates: properties.slice(from, required + 1), mayEnd: false }
}

/** The plan behind references. */
export function targetOf(plan: Plan): Plan {
  return plan.kind === 'reference' ? targetOf(plan.target()) : plan
}
