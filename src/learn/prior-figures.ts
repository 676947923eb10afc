/** What is known of a request before any model is asked, as figures. Pure. */

/** In the order of a row. */
export const PRIOR_FIGURES = [
  'inputChars',
  'messages',
  'hasTools',
  'hasImages',
  'hasSchema',
  'wantsCodeChange',
  'complexity',
] as const

export interface PriorFacts {
  readonly inputChars: number
  readonly messages: number
  readonly hasTools: boolean
  readonly hasImages: boolean
  readonly hasSchema: boolean
  readonly wantsCodeChange: boolean
  readonly complexity: string
}

const COMPLEXITY_RANK: Readonly<Record<string, number>> = { simple: 0, moderate: 1, complex: 2 }

/** Counts as logarithms of one more, flags as 0 or 1, complexity from 0 to 2. */
export function priorFigures(facts: PriorFacts): readonly number[] {
  const { inputChars, messages, hasTools, hasImages, hasSchema, wantsCodeChange, complexity } = facts
  const flags = [hasTools, hasImages, hasSchema, wantsCodeChange].map(Number)
  return [Math.log1p(inputChars), Math.log1p(messages), ...flags, COMPLEXITY_RANK[complexity] ?? 0]
}
