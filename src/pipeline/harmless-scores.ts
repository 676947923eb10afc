/** How likely a yes each harmless text of a stop check is, for one model: read once, kept on disk. */

export interface WantedScores {
  /** All that the figures depend on. */
  readonly parts: readonly unknown[]
  readonly texts: readonly string[]
  /** Probability of yes, 0 to 1. */
  read(text: string): Promise<number>
}

export interface HarmlessScores {
  /**
   * In the order of the texts. Who asks first waits while the model reads them all; when that fails, the next who asks
   * goes on where it ended.
   */
  of(wanted: WantedScores): Promise<readonly number[]>
}

export interface ScoreStore {
  /** @returns null when nothing is kept */
  read(parts: readonly unknown[]): Promise<readonly number[] | null>
  write(parts: readonly unknown[], scores: readonly number[]): Promise<void>
}

/** A command that ends before all are read leaves what it has read to the next one. */
const KEEP_EVERY = 20

export function createHarmlessScores(store: ScoreStore): HarmlessScores {
  const ready = new Map<string, Promise<readonly number[]>>()
  return {
    of(wanted) {
      const key = JSON.stringify(wanted.parts)
      const known = ready.get(key)
      if (known) return known
      const reading = obtain(wanted, store)
      ready.set(key, reading)
      reading.catch(() => ready.delete(key))
      return reading
    },
  }
}

async function obtain({ parts, texts, read }: WantedScores, store: ScoreStore): Promise<readonly number[]> {
  const scores = [...((await store.read(parts)) ?? [])].slice(0, texts.length)
  if (scores.length === texts.length) return scores
  for (const text of texts.slice(scores.length)) {
    scores.push(await read(text))
    if (scores.length % KEEP_EVERY === 0) await store.write(parts, scores)
  }
  await store.write(parts, scores)
  return scores
}
