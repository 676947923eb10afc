/** Files of rows that nobody waits for: what stands in a row, and where a run of them is. */

/** One line of a file, as it was read. */
export interface RawLine {
  /** From 1. */
  readonly line: number
  /** Where it begins, in bytes. */
  readonly offset: number
  readonly bytes: number
  /** Null for a line that is longer than wanted. */
  readonly text: string | null
}

/** Where the rows of one run stand. What it says is on disk before it returns, so that it holds after the end of the process. */
export interface RowLog {
  /** Which line was written for the row, or for what is wrong with its line; null when none was. */
  lineOf(key: string): 'answered' | 'failed' | null
  /** The request that a row was asked under and that left no line; null when there is none. */
  askedUnder(key: string): AskedBefore | null
  /** To be called before anybody is asked. */
  asking(key: string, asked: AskedBefore): void
  /** The row was not answered, and may be asked anew. */
  giveBack(key: string): void
  answered(key: string, line: Readonly<Record<string, unknown>>): void
  failed(key: string, line: Readonly<Record<string, unknown>>): void
  close(): void
}

export interface AskedBefore {
  readonly requestId: string
  /** Its calls of frontiers were collected for a batch of the provider, which has a journal of its own. */
  readonly isTogether: boolean
}

/** Under this key a line that is no row counts as done: the id that it may name can be that of another. */
export function lineKey(line: number): string {
  return `line ${line}`
}

/** Ids of callers cannot be taken for lines. */
export function rowKey(id: string): string {
  return `row ${id}`
}
