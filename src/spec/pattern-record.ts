/** What a pattern did on a request, as plain data for the audit. */
import type { PatternName } from './decision.ts'

/** Counts, verdict words, hashes, offsets, model names; never text of a request or an answer. */
export type PatternFact =
  | string
  | number
  | boolean
  | null
  | readonly PatternFact[]
  | { readonly [name: string]: PatternFact }

export type PatternFacts = Readonly<Record<string, PatternFact>>

export interface RecordedPattern {
  readonly name: PatternName
  readonly did: PatternFacts
}
