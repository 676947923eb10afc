/** Remembers who answered each turn of a conversation, in memory, so that the next request of it can go on there. */
import { LRUCache } from 'lru-cache'
import type { Actor, Tier, Usage } from '../spec/decision.ts'

/** One answered turn, as it is kept. */
export interface AnsweredTurn {
  readonly model: string
  readonly actor: Actor
  readonly tier: Tier
  readonly usage: Usage
  /** Monotonic. */
  readonly atMs: number
}

export interface TurnBook {
  find(key: string): AnsweredTurn | undefined
  remember(key: string, turn: AnsweredTurn): void
}

/** A turn weighs about 300 bytes. Who is forgotten is classified anew, as after a restart. */
const MOST_TURNS = 20_000

export function createTurnBook(): TurnBook {
  const kept = new LRUCache<string, AnsweredTurn>({ max: MOST_TURNS })
  return { find: (key) => kept.get(key), remember: (key, turn) => void kept.set(key, turn) }
}
