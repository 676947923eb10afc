/** What an importer makes of a file, before it is written. */
import type { Account } from './account.ts'
import type { Fields } from './values.ts'

export const SHAPES = ['litellm', 'claude-code-router', 'routellm', 'router-policy', 'llm-config'] as const
export type ShapeName = (typeof SHAPES)[number]

/** Entries of a policy in the order in which they are written, each with the lines that explain it. */
export interface Section {
  readonly notes: readonly string[]
  readonly value: Fields
}

export interface Draft {
  readonly models: ReadonlyMap<string, Section>
  readonly tasks: ReadonlyMap<string, Section>
  /** Everything else, by its key at the top. */
  readonly rest: Fields
}

export interface Shape {
  readonly name: ShapeName
  /** For people: whose file it is. */
  readonly title: string
  /** Whether an object looks like one of these. */
  fits(source: Fields): boolean
  /** Never throws for what stands in the file: what cannot be read is dropped, with a word. */
  draft(source: Fields, account: Account): Draft
}
