/**
 * Remembers which number a value has in a conversation, so that its placeholder stays the same from request to request. Holds keyed
 * hashes of the values, never the values, in memory only; after a restart numbers are given anew, by first appearance.
 */
import { createHmac, randomBytes } from 'node:crypto'
import { LRUCache } from 'lru-cache'
import type { Numbering } from '../classify/privacy/mask.ts'

export interface PlaceholderNumbers {
  /** @param conversation a tenant's conversation; conversations share nothing */
  of(conversation: string): Numbering
}

/** Conversations at once; a forgotten one is numbered by first appearance again. */
const MOST_CONVERSATIONS = 10_000
/** Values of one conversation, by kind: placeholders have six digits. */
const MOST_VALUES = 999_999

export function createPlaceholderNumbers(): PlaceholderNumbers {
  const key = randomBytes(32)
  const known = new LRUCache<string, Map<string, number>>({ max: MOST_CONVERSATIONS })
  return {
    of(conversation) {
      const numbers = known.get(conversation) ?? new Map<string, number>()
      known.set(conversation, numbers)
      return (kind, value) => {
        const entry = `${kind}:${createHmac('sha256', key).update(value).digest('base64')}`
        const seen = numbers.get(entry)
        if (seen !== undefined) return seen
        const next = Math.min(MOST_VALUES, (numbers.get(kind) ?? 0) + 1)
        numbers.set(kind, next)
        numbers.set(entry, next)
        return next
      }
    },
  }
}
