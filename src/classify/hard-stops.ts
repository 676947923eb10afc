/** Finds the terms that a local model may not settle, in every text field of a request. Pure. */
import { HARD_STOP_KINDS, type HardStopHit, type HardStopKind } from '../spec/decision.ts'
import type { HardStopTerm } from '../spec/hard-stops.ts'
import type { Policy } from '../spec/policy.ts'
import { normalise } from './normalise.ts'
import { readings } from './readings.ts'
import { type Remembered, remembered } from './remembered.ts'
import { indexTerms, splitWords, type TermIndex, type TermMatch, type Word, type Words } from './terms.ts'

/** One text of a request and what it is called in hits. */
export interface TextField {
  /** For example `messages[1].content` or `tools[0].description`. */
  readonly field: string
  readonly text: string
  /**
   * `instruction`: set once by the application (system prompts, tool definitions). It lists categories and rules, so a
   * context word beside a term says nothing has happened: there only terms without `near` stop.
   */
  readonly role?: 'conversation' | 'instruction'
}

/**
 * How far from a term its context word may stand, in characters of the same line. Log lines of the common tools put
 * cause and term within 60; 120 leaves room for a package name or an address between them. Larger values raise false
 * stops on prose, which has no short lines.
 */
const NEAR_CHARS = 120

/**
 * @returns one hit per kind, term and field, in the order access, security, production, irreversible, then fields; the
 * first names the reason of the decision
 */
export function findHardStops(fields: readonly TextField[], hardStops: Policy['hardStops']): readonly HardStopHit[] {
  const compiled = hardStopReaders(hardStops)
  const hits = fields.flatMap(({ field, text, role = 'conversation' }) =>
    compiled[role](text).map((hit) => ({ ...hit, field })),
  )
  const order: readonly string[] = HARD_STOP_KINDS
  return [...hits].sort((a, b) => order.indexOf(a.kind) - order.indexOf(b.kind))
}

interface Rule {
  readonly kind: HardStopKind
  readonly term: string
  readonly near: TermIndex<true> | null
  readonly notNear: TermIndex<true> | null
}

/** What the terms of a policy find in one text, by what the text is. */
export type HardStopReaders = Readonly<Record<NonNullable<TextField['role']>, Remembered<readonly FoundTerm[]>>>

/** A hit before it is said where. */
export type FoundTerm = Omit<HardStopHit, 'field'>

interface Terms {
  readonly rules: TermIndex<Rule>
  readonly except: TermIndex<true>
  readonly passing: TermIndex<'start' | 'end'>
}

const compiledPolicies = new WeakMap<Policy['hardStops'], HardStopReaders>()

/** The terms of a policy, compiled once. */
export function hardStopReaders(hardStops: Policy['hardStops']): HardStopReaders {
  const known = compiledPolicies.get(hardStops)
  if (known) return known
  const rules = HARD_STOP_KINDS.flatMap((kind) => hardStops[kind].flatMap((term) => rulesOf(kind, term)))
  const terms: Terms = {
    rules: indexTerms(rules),
    except: indexPhrases(hardStops.except),
    passing: indexTerms([
      ...hardStops.passingLines.starts.map((term) => ({ term, entry: 'start' as const })),
      ...hardStops.passingLines.ends.map((term) => ({ term, entry: 'end' as const })),
    ]),
  }
  const compiled = {
    conversation: remembered((text) => foundIn(text, 'conversation', terms)),
    instruction: remembered((text) => foundIn(text, 'instruction', terms)),
  }
  compiledPolicies.set(hardStops, compiled)
  return compiled
}

function rulesOf(kind: HardStopKind, term: HardStopTerm): readonly { readonly term: string; readonly entry: Rule }[] {
  if (typeof term === 'string') return [{ term, entry: { kind, term, near: null, notNear: null } }]
  const near = term.near ? indexPhrases(term.near) : null
  const notNear = term.notNear ? indexPhrases(term.notNear) : null
  const spellings = typeof term.term === 'string' ? [term.term] : term.term
  return spellings.map((spelling) => ({ term: spelling, entry: { kind, term: spelling, near, notNear } }))
}

function indexPhrases(phrases: readonly string[]): TermIndex<true> {
  return indexTerms(phrases.map((term) => ({ term, entry: true as const })))
}

function foundIn(text: string, role: TextField['role'], terms: Terms): readonly FoundTerm[] {
  const found = new Map<string, FoundTerm>()
  for (const reading of new Set(readings(text).map(normalise))) {
    const words = splitWords(reading)
    let search: Search | null = null
    for (let at = 0; at < words.words.length; at++)
      for (const match of terms.rules(words, at)) {
        const { kind, term, near } = match.entry
        if (found.has(`${kind} ${term}`) || (near && role === 'instruction')) continue
        // Most texts hold no term; only where one does is it looked at what stands around.
        search ??= searchOf(words, terms)
        if (stops(match, search)) found.set(`${kind} ${term}`, { kind, term })
      }
  }
  return [...found.values()]
}

interface Search {
  readonly text: Words
  readonly excepted: ReadonlySet<number>
  readonly passingLines: ReadonlySet<number>
  /** Where context phrases of a list start, with their last word, as far as asked. */
  readonly contexts: Map<TermIndex<true>, Map<number, number | null>>
}

function searchOf(text: Words, { except, passing }: Terms): Search {
  const [excepted, passingLines] = [exceptedWords(text, except), passingLinesOf(text, passing)]
  return { text, excepted, passingLines, contexts: new Map() }
}

/** Phrases in which terms are harmless hide all of their words, from terms and from context alike. */
function exceptedWords(text: Words, except: TermIndex<true>): ReadonlySet<number> {
  const hidden = new Set<number>()
  for (let at = 0; at < text.words.length; at++)
    for (const { from, to } of except(text, at)) for (let word = from; word <= to; word++) hidden.add(word)
  return hidden
}

function stops(match: TermMatch<Rule>, search: Search): boolean {
  const { near, notNear } = match.entry
  for (let word = match.from; word <= match.to; word++) if (search.excepted.has(word)) return false
  if (search.passingLines.has(search.text.words[match.from]?.line ?? -1)) return false
  if (!near && !notNear) return true
  if (search.text.words[match.from]?.inPath) return false
  if (notNear && hasNear(match, notNear, search)) return false
  return !near || hasNear(match, near, search)
}

function hasNear(match: TermMatch<Rule>, index: TermIndex<true>, search: Search): boolean {
  const { text } = search
  const first = text.words[match.from]
  const last = text.words[match.to]
  if (!first || !last) return false
  const inReach = (word: Word | undefined): word is Word =>
    word !== undefined &&
    word.line === first.line &&
    first.start - word.end <= NEAR_CHARS &&
    word.start - last.end <= NEAR_CHARS
  let at = match.from
  while (inReach(text.words[at - 1])) at--
  for (; inReach(text.words[at]); at++) {
    const end = contextEnd(index, at, search)
    // A phrase may overlap the term, as `401 passed` does; the term alone is not its own context.
    if (end !== null && (at < match.from || end > match.to)) return true
  }
  return false
}

/** The last word of the shortest context phrase that starts at a word; looked up once per list and word. */
function contextEnd(index: TermIndex<true>, at: number, { text, excepted, contexts }: Search): number | null {
  const known = contexts.get(index) ?? new Map<number, number | null>()
  contexts.set(index, known)
  const seen = known.get(at)
  if (seen !== undefined) return seen
  const isName = text.words[at]?.inPath === true || excepted.has(at)
  const ends = isName ? [] : index(text, at).map(({ to }) => to)
  const end = ends.length === 0 ? null : Math.min(...ends)
  known.set(at, end)
  return end
}

/** Lines in which a test reporter says that a test passed: their words are the test's name. */
function passingLinesOf(text: Words, passing: TermIndex<'start' | 'end'>): ReadonlySet<number> {
  const lines = new Set<number>()
  for (let at = 0; at < text.words.length; at++) {
    const line = text.words[at]?.line
    if (line === undefined || lines.has(line)) continue
    const isFirst = text.words[at - 1]?.line !== line
    const isEnd = ({ entry, to }: TermMatch<'start' | 'end'>): boolean =>
      entry === 'end' && text.words[to + 1]?.line !== line
    if (passing(text, at).some((match) => (match.entry === 'start' ? isFirst : isEnd(match)))) lines.add(line)
  }
  return lines
}
