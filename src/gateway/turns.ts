/** Bounds how much is under way. */

export type Turn = <T>(work: () => Promise<T>) => Promise<T>

/** So many at once, in the order in which they come. */
export function turns(most: number): Turn {
  let free = most
  const waiting: (() => void)[] = []
  return async (work) => {
    if (free > 0) free -= 1
    else await new Promise<void>((resolve) => waiting.push(resolve))
    try {
      return await work()
    } finally {
      const next = waiting.shift()
      if (next) next()
      else free += 1
    }
  }
}
