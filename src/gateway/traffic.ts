/** What this process answered since its start, as plain numbers: whoever wants to be scraped pays for that, not each request. */
import type { IncomingMessage } from 'node:http'
import type { RouterError } from '../spec/errors.ts'

/** How requests end: `held` waits for a person, `limited` is a 429, `refused` another 4xx, `gone` a client that left. */
export const ANSWER_RESULTS = ['answered', 'held', 'limited', 'refused', 'gone', 'failed'] as const
export type AnswerResult = (typeof ANSWER_RESULTS)[number]

/** Upper bounds in seconds: a solver answers in the first, and few callers wait longer than the last. */
export const DURATION_BOUNDS = [0.01, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120] as const

export interface TrafficFigures {
  /** Requests to the API that are neither answered nor given up, those that wait for a model among them. */
  readonly inFlight: number
  readonly answers: Readonly<Record<AnswerResult, number>>
  readonly durations: {
    /** How many ended within each of `DURATION_BOUNDS` and after the one before; the last entry is of those that took longer. */
    readonly counts: readonly number[]
    readonly sumSeconds: number
  }
}

/** One request, from its first line to its end; each is told once, and in any order. */
export interface Tally {
  /** The answer, or why there is none, is known. */
  answered(status: number, failure: RouterError | null): void
  /** Nothing more goes over its connection. */
  left(): void
}

export interface TrafficWatch {
  began(request: Pick<IncomingMessage, 'method' | 'url'>): Tally
  look(): TrafficFigures
}

/** Lists, probes, uploads of pages and scrapes are no work of models. */
const NO_WORK: Tally = { answered: () => undefined, left: () => undefined }

export function watchTraffic(monotonicMs: () => number = () => performance.now()): TrafficWatch {
  let inFlight = 0
  const answers: Record<AnswerResult, number> = { answered: 0, held: 0, limited: 0, refused: 0, gone: 0, failed: 0 }
  const counts: number[] = [...DURATION_BOUNDS.map(() => 0), 0]
  let sumSeconds = 0
  return {
    began({ method, url }) {
      if (method !== 'POST' || !url?.startsWith('/v1/')) return NO_WORK
      const startedMs = monotonicMs()
      inFlight += 1
      return {
        answered(status, failure) {
          const seconds = (monotonicMs() - startedMs) / 1000
          answers[resultOf(status, failure)] += 1
          const within = DURATION_BOUNDS.findIndex((bound) => seconds <= bound)
          const place = within === -1 ? DURATION_BOUNDS.length : within
          counts[place] = (counts[place] ?? 0) + 1
          sumSeconds += seconds
        },
        left() {
          inFlight -= 1
        },
      }
    },
    look: () => ({ inFlight, answers: { ...answers }, durations: { counts: [...counts], sumSeconds } }),
  }
}

/** A stream that breaks has sent its 200 already: the failure counts, not the status. */
function resultOf(status: number, failure: RouterError | null): AnswerResult {
  if (failure?.code === 'cancelled') return 'gone'
  const told = failure?.row.status ?? status
  if (told < 400) return 'answered'
  if (told >= 500) return 'failed'
  if (told === 429) return 'limited'
  return failure?.code === 'held_for_human' ? 'held' : 'refused'
}

/** Of a gateway without connections. */
export const NO_TRAFFIC: TrafficFigures = watchTraffic(() => 0).look()
