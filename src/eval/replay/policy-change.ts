/** Which parts of two policies are the same. Each part is compared once, however many records ask. Pure. */
import type { KeptPolicy } from '../../spec/kept-policy.ts'
import type { TaskPolicy } from '../../spec/policy.ts'

export interface PolicyChange {
  /** Under which a request was recorded. */
  readonly old: KeptPolicy
  /** Under which it is replayed. */
  readonly next: KeptPolicy
  /**
   * @param part names what `pick` picks: equal names pick equal things
   * @param pick plain data
   */
  isSame(part: string, pick: (kept: KeptPolicy) => unknown): boolean
}

export function policyChange(old: KeptPolicy, next: KeptPolicy): PolicyChange {
  const known = new Map<string, boolean>()
  const isWhole = old.digest === next.digest
  return {
    old,
    next,
    isSame(part, pick) {
      if (isWhole) return true
      const found = known.get(part)
      if (found !== undefined) return found
      const same = JSON.stringify(pick(old)) === JSON.stringify(pick(next))
      known.set(part, same)
      return same
    },
  }
}

export function taskIn({ policy }: KeptPolicy, name: string): TaskPolicy | undefined {
  return Object.hasOwn(policy.tasks, name) ? policy.tasks[name] : undefined
}
