/** What is remembered of a task's pattern `buddy`: that it was switched off, and why. */

/** Sums over requests that were also answered by the frontier alone. */
export interface BuddyFigures {
  /** Answers that can be compared. */
  readonly compared: number
  /** Of them: the local answer was right, and the corrected one was wrong. */
  readonly harmed: number
  /** Local answers that were right before they were asked about. */
  readonly draftRight: number
  /** Right in the end; a request that escalates after all is right as the frontier is. */
  readonly right: number
  /** Of the pattern's calls, and of plain escalation of the same requests: US dollars, or tokens where a price is unknown. */
  readonly spent: number
  readonly plain: number
  readonly unit: 'usd' | 'tokens'
}

export interface BuddySwitch {
  readonly version: number
  readonly task: string
  /** See `PatternStanding`. */
  readonly setup: string
  /** ISO 8601, UTC. */
  readonly at: string
  readonly why: 'harm' | 'cost'
  readonly figures: BuddyFigures
}

/** The switches of this machine, by task and setup; they outlive the process. */
export interface BuddyBook {
  find(task: string, setup: string): BuddySwitch | null
  add(off: BuddySwitch): void
}

/** `harm: 2 of 80 right answers were made wrong` */
export function switchText({ why, figures }: Pick<BuddySwitch, 'why' | 'figures'>): string {
  const { compared, harmed, right, spent, plain, unit } = figures
  if (why === 'harm') return `harm: ${harmed} of ${compared} compared answers were right and made wrong`
  const own = right === 0 ? 'nothing right' : `${(spent / right).toPrecision(3)} ${unit} a right answer`
  return `cost: ${own} against ${(plain / compared).toPrecision(3)} of plain escalation, ${compared} compared`
}
