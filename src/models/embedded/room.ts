/** Whether a copy of a model may be loaded beside those that are, and which of them would have to go. Pure. */

/** What loaded models may take together; part of the policy. */
export interface MemoryBudget {
  /** Null: no other limit than what the machine has. */
  readonly maxLocalBytes: number | null
  /** Bytes of memory that a load must leave. */
  readonly keepFreeBytes: number
}

export const UNLIMITED: MemoryBudget = { maxLocalBytes: null, keepFreeBytes: 0 }

export interface HeldCopy {
  readonly needBytes: number
  readonly isIdle: boolean
  /** Larger is later. */
  readonly lastUsedMs: number
}

/**
 * The idle copies to unload before a load, least recently used first, and no more than are needed.
 *
 * @returns null when the load does not fit even without all of them: then none is given up for nothing
 */
export function copiesToUnload<C extends HeldCopy>(
  needBytes: number,
  state: { readonly held: readonly C[]; readonly availableBytes: number; readonly budget: MemoryBudget },
): readonly C[] | null {
  const idle = state.held.filter((copy) => copy.isIdle).toSorted((a, b) => a.lastUsedMs - b.lastUsedMs)
  let room = roomBytes(state)
  const given: C[] = []
  for (const copy of idle) {
    if (needBytes <= room) break
    given.push(copy)
    room += copy.needBytes
  }
  return needBytes <= room ? given : null
}

/** Bytes that one more load may take as things are; negative when the budget is exceeded. */
export function roomBytes({
  held,
  availableBytes,
  budget,
}: {
  readonly held: readonly Pick<HeldCopy, 'needBytes'>[]
  readonly availableBytes: number
  readonly budget: MemoryBudget
}): number {
  const heldBytes = held.reduce((sum, copy) => sum + copy.needBytes, 0)
  const underCap = budget.maxLocalBytes === null ? Number.POSITIVE_INFINITY : budget.maxLocalBytes - heldBytes
  return Math.min(availableBytes - budget.keepFreeBytes, underCap)
}
