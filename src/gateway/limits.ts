/** How much the holder of a key may ask: requests and tokens a minute, and how many at the same time. */
import type { ServerResponse } from 'node:http'
import type { Usage } from '../spec/decision.ts'
import { RouterError } from '../spec/errors.ts'
import type { Policy } from '../spec/policy.ts'
import type { RateBook, RateState, SharedRatesHealth } from '../spec/rates.ts'
import type { KeyHolder } from './keys.ts'

export interface Limits {
  /**
   * Lets a request in, and tells its client in headers what is left.
   *
   * @param bytes of its body, where they are known: what a question is taken to hold until an answer tells its tokens
   * @throws RouterError rate_limited, state_unwritable
   */
  enter(holder: KeyHolder, request: { readonly bytes: number; readonly response: ServerResponse }): Promise<Pass>
  /** Null where limits are counted by one machine only. */
  sharedHealth(): SharedRatesHealth | null
}

/** One request that was let in. */
export interface Pass {
  /** What it used in truth; several calls add up. */
  charge(usage: Usage): void
  /** Frees its place; more often changes nothing. */
  leave(): void
}

const FREE: Pass = { charge: () => undefined, leave: () => undefined }

/** An English token of the common vocabularies is about 4 characters long. */
const BYTES_PER_TOKEN = 4
/** Nobody knows when a place will be free; most answers end within this. */
const PLACE_WAIT_S = 1

export function createLimits(rates: RateBook, defaults: Policy['gateway']['limits']): Limits {
  const under = new Map<string, number>()
  return {
    sharedHealth: () => rates.health(),
    async enter(holder, { bytes, response }) {
      if (holder.isOperator) return FREE
      const { id, grant } = holder
      const { requestsPerMinute, tokensPerMinute, concurrency } = { ...defaults, ...grant }
      const running = under.get(id) ?? 0
      if (concurrency !== undefined && running >= concurrency)
        throw limited(holder, { limit: concurrency, what: 'requests at the same time', waitMs: PLACE_WAIT_S * 1000 })
      // Taken before anybody is waited for, so that those who come meanwhile are counted, too.
      under.set(id, running + 1)
      const leave = leaver(id)
      try {
        if (requestsPerMinute !== undefined) {
          const state = await rates.take({ name: `${id} requests`, limit: requestsPerMinute }, 1)
          tell(response, { what: 'requests', limit: requestsPerMinute, state })
          if (!state.granted)
            throw limited(holder, { limit: requestsPerMinute, what: 'requests a minute', waitMs: state.resetMs })
        }
        const charge = tokensPerMinute === undefined ? FREE.charge : await takeTokens(tokensPerMinute)
        return { charge, leave }
      } catch (error) {
        leave()
        throw error
      }

      async function takeTokens(limit: number): Promise<Pass['charge']> {
        const rate = { name: `${id} tokens`, limit }
        const guess = Math.max(1, Math.ceil(bytes / BYTES_PER_TOKEN))
        const state = await rates.take(rate, guess)
        tell(response, { what: 'tokens', limit, state })
        if (!state.granted) throw limited(holder, { limit, what: 'tokens a minute', waitMs: state.resetMs })
        let taken = Math.min(guess, limit)
        return ({ inputTokens, outputTokens }) => {
          rates.correct(rate, inputTokens + outputTokens - taken, state)
          taken = 0
        }
      }
    },
  }

  function leaver(id: string): () => void {
    let isIn = true
    return () => {
      if (!isIn) return
      isIn = false
      const left = (under.get(id) ?? 1) - 1
      if (left === 0) under.delete(id)
      else under.set(id, left)
    }
  }
}

function limited(
  { id, name }: KeyHolder,
  { limit, what, waitMs }: { readonly limit: number; readonly what: string; readonly waitMs: number },
): RouterError {
  return new RouterError('rate_limited', {
    key: `${id} (${name})`,
    limit,
    what,
    retryAfterSeconds: Math.max(1, Math.ceil(waitMs)) / 1000,
  })
}

/** In the words and forms of OpenAI, which its clients read. */
function tell(
  response: ServerResponse,
  { what, limit, state }: { readonly what: 'requests' | 'tokens'; readonly limit: number; readonly state: RateState },
): void {
  response.setHeader(`x-ratelimit-limit-${what}`, String(limit))
  response.setHeader(`x-ratelimit-remaining-${what}`, String(Math.floor(state.remaining)))
  response.setHeader(`x-ratelimit-reset-${what}`, spanText(state.resetMs))
}

/** `250ms`, `59s`, `1m0s`. */
function spanText(ms: number): string {
  if (ms < 1000) return `${Math.ceil(ms)}ms`
  const seconds = Math.ceil(ms / 1000)
  return seconds < 60 ? `${seconds}s` : `${Math.floor(seconds / 60)}m${seconds % 60}s`
}
