/** Whether a proposed cascade is worth having, in words. Pure. */

export interface Proposed {
  readonly proposed: readonly { readonly model: string }[]
  readonly minQuality: number
  /** On rows that took no part in the choice. */
  readonly dev: {
    readonly n: number
    readonly quality: number
    readonly floor: number
    readonly marginInterval: readonly [number, number]
    readonly saving: number
    readonly savingInterval: readonly [number, number]
  }
  readonly best: { readonly model: string }
}

/** Worth it: the floor is reached on the rows not chosen on, and the whole interval of the saving is above zero. */
export function cascadeVerdict({ proposed, minQuality, dev, best }: Proposed): {
  readonly isWorthIt: boolean
  readonly why: string
} {
  const { n, quality, floor, marginInterval, saving, savingInterval } = dev
  const [only] = proposed
  if (proposed.length === 1 && only?.model === best.model)
    return no(
      `No cascade saves anything: none reaches ${percent(minQuality)} of the quality of ${best.model} with 95 % confidence for less than always asking it.`,
    )
  const between = `${share(marginInterval[0])} to ${share(marginInterval[1])} with 95 % confidence`
  if (quality < floor) {
    const chance = marginInterval[1] >= 0 ? '; that may be chance, and more rows would tell' : ''
    return no(
      `It misses the floor on the ${n} rows that are not train: quality ${share(quality)}, and ${share(floor)} is wanted (quality less floor is ${between}${chance}).`,
    )
  }
  const range = `${percent(saving)} (${percent(savingInterval[0])} to ${percent(savingInterval[1])})`
  if (savingInterval[0] <= 0) return no(`It reaches the floor and saves nothing that is certain: ${range}.`)
  const saved = `It saves ${range} of the cost of always asking ${best.model}, with quality ${share(quality)} where ${share(floor)} is wanted.`
  const alone = proposed.length === 1 ? ` ${only?.model} alone does it; no second model is needed.` : ''
  const doubt = marginInterval[0] < 0 ? ` The floor is not certain: quality less floor is ${between}.` : ''
  return { isWorthIt: true, why: `${saved}${alone}${doubt}` }
}

function no(why: string): { readonly isWorthIt: boolean; readonly why: string } {
  return { isWorthIt: false, why }
}

function percent(value: number): string {
  return `${(100 * value).toFixed(1)} %`
}

function share(value: number): string {
  return value.toFixed(3)
}
