/** Names in English text by the way they are written. No model is asked; takes microseconds a sentence. */
import { type NameToken, nameTokens } from './entity-tokens.ts'
import { typeOfName } from './entity-types.ts'
import {
  BINDING_WORDS,
  CALENDAR_WORDS,
  GROUP_WORDS,
  INNER_WORDS,
  ORDINARY_ABBREVIATIONS,
  ORDINARY_ENDING,
  ORDINARY_WORDS,
  TITLE_WORDS,
  TITLES,
} from './entity-words.ts'

export type EntityLabel = 'PER' | 'LOC' | 'ORG' | 'MISC'

export interface Entity {
  readonly text: string
  /** UTF-16 offsets, `end` exclusive; `text` is exactly what stands there. */
  readonly start: number
  readonly end: number
  /** By the form of the name; null when it tells nothing. */
  readonly label: EntityLabel | null
  /** How often names of this form are right, 0 to 1. */
  readonly score: number
}

/**
 * Finds people, places, organisations and other names: runs of capitalised words, joined over small inner words
 * ("University of Texas"), without what only its place or its meaning capitalises (first words of sentences, titles,
 * months, common abbreviations), and titles of works in quotation marks.
 *
 * @param text English; other languages that capitalise like it work less well, German does not
 * @returns in the order of the text, without overlaps
 */
export function findEntities(text: string): readonly Entity[] {
  const tokens = nameTokens(text)
  const seenSmall = new Set(tokens.filter(({ capital, word }) => !capital && word).map((token) => token.text))
  const quoted = quotedTitles(tokens)
  const runs = [...quoted, ...capitalRuns(tokens, quoted, seenSmall)]
  return runs.map((run) => entityOf(text, run)).toSorted((a, b) => a.start - b.start)
}

type Run = readonly NameToken[]

function entityOf(text: string, run: Run): Entity {
  const start = run[0]?.start ?? 0
  const end = run.at(-1)?.end ?? start
  const alone = run.filter(({ word }) => word).length === 1 && run[0]?.opensSentence === true
  const score = alone ? OPENING_SCORE : SCORE
  return { text: text.slice(start, end), start, end, label: typeOfName(run), score }
}

/**
 * Share of such names that were right on 100 WikiGold sentences (188 of 228, and 14 of 19 single words that open a
 * sentence); `NO_NAME_SCORE`: of 13 sentences where none was found none held one, by the rule of succession.
 */
const SCORE = 0.82
const OPENING_SCORE = 0.74
export const NO_NAME_SCORE = 14 / 15

/** At most this many words: longer quotations are speech. */
const MAX_TITLE_WORDS = 9

/** What stands in quotation marks, when it is written like a title: first and last word and all but small ones capitalised. */
function quotedTitles(tokens: readonly NameToken[]): readonly Run[] {
  const runs: Run[] = []
  for (let open = 0; open < tokens.length; open++) {
    if (!isQuote(tokens[open])) continue
    const length = tokens.slice(open + 1, open + 3 + MAX_TITLE_WORDS).findIndex(isQuote)
    if (length < 1) continue
    const inside = tokens.slice(open + 1, open + 1 + length)
    const trimmed = /^[,.]$/.test(inside.at(-1)?.text ?? '') ? inside.slice(0, -1) : inside
    if (isTitle(trimmed)) runs.push(trimmed)
    open += length + 1
  }
  return runs
}

function isQuote(token: NameToken | undefined): boolean {
  return token !== undefined && /^(?:"|“|”|``|''|«|»)$/.test(token.text)
}

function isTitle(inside: Run): boolean {
  const words = inside.filter(({ word }) => word)
  const first = words[0]
  const last = words.at(-1)
  if (!first?.capital || !(last?.capital || /\d/.test(last?.text ?? ''))) return false
  if (words.length === 1 && ORDINARY_WORDS.has(first.lower) && inside[0]?.opensSentence) return false
  const open = inside.some((token) => /^[;:]$/.test(token.text))
  return !open && words.every(({ capital, lower, text }) => capital || TITLE_WORDS.has(lower) || /^\d/.test(text))
}

function capitalRuns(
  tokens: readonly NameToken[],
  quoted: readonly Run[],
  seenSmall: ReadonlySet<string>,
): readonly Run[] {
  const taken = new Set(quoted.flat())
  const runs: Run[] = []
  let at = 0
  while (at < tokens.length) {
    const end = endOfRun(tokens, at, taken)
    if (end === at) {
      at++
      continue
    }
    runs.push(...cleaned(tokens.slice(at, end), seenSmall))
    at = end
  }
  return runs
}

/** @returns the place after the last token of the run that starts here; the same place when none does */
function endOfRun(tokens: readonly NameToken[], from: number, taken: ReadonlySet<NameToken>): number {
  const first = tokens[from]
  if (first === undefined || taken.has(first) || !first.capital) return from
  let end = from + 1
  for (;;) {
    const next = nextInRun(tokens, end, taken)
    if (next === null) return end
    end = next
  }
}

function nextInRun(tokens: readonly NameToken[], at: number, taken: ReadonlySet<NameToken>): number | null {
  const token = tokens[at]
  if (token === undefined || taken.has(token)) return null
  if (isCapital(token)) return at + 1
  if (/^\d{1,3}(?:st|nd|rd|th)?$/.test(token.text) && !isCalendar(tokens[at - 1]) && !isMeasure(tokens[at + 1]))
    return at + 1
  const following = tokens[at + 1]
  const before = tokens[at - 1]
  if (following === undefined || taken.has(following)) return null
  if (token.text === '&') return isCapital(following) && !isCapital(tokens[at - 2]) ? at + 2 : null
  if (/^['’]s?$/.test(token.text)) return isCapital(following) && GROUP_WORDS.has(before?.lower ?? '') ? at + 2 : null
  if (!INNER_WORDS.has(token.text) || isCalendar(before)) return null
  if (token.text === 'of' && !bindsOf(tokens, at - 1)) return null
  if (isCapital(following)) return at + 2
  return token.text === 'of' && following.text === 'the' && isCapital(tokens[at + 2]) ? at + 3 : null
}

/** Whether "of" after this word goes on with the name: after a word that asks for it, or after a name of one word. */
function bindsOf(tokens: readonly NameToken[], last: number): boolean {
  const { lower = '' } = tokens[last] ?? {}
  if (TITLES.has(lower)) return false
  return BINDING_WORDS.has(lower) || !isCapital(tokens[last - 1])
}

/** "3 miles": the number belongs to what follows. */
function isMeasure(token: NameToken | undefined): boolean {
  return token?.word === true && !token.capital
}

function isCapital(token: NameToken | undefined): boolean {
  return token?.capital === true
}

function isCalendar(token: NameToken | undefined): boolean {
  return token !== undefined && CALENDAR_WORDS.has(token.lower)
}

/** What is left of a run without titles, calendar words and words that only their place capitalises. */
function cleaned(run: Run, seenSmall: ReadonlySet<string>): readonly Run[] {
  const parts = splitAt(run, isCalendar)
  return parts.flatMap((part) => {
    const kept = trimmed(part, seenSmall)
    return kept.length > 0 && isName(kept, seenSmall) ? [kept] : []
  })
}

function splitAt(run: Run, separates: (token: NameToken) => boolean): readonly Run[] {
  const parts: NameToken[][] = [[]]
  for (const token of run) {
    if (separates(token)) parts.push([])
    else parts.at(-1)?.push(token)
  }
  return parts.filter((part) => part.length > 0)
}

function trimmed(run: Run, seenSmall: ReadonlySet<string>): Run {
  let from = 0
  let to = run.length
  while (from < to && dropsFirst(run, from, { to, seenSmall })) from++
  while (to > from && !isCapital(run[to - 1]) && !/^\d/.test(run[to - 1]?.text ?? '')) to--
  return run.slice(from, to)
}

function dropsFirst(
  run: Run,
  from: number,
  { to, seenSmall }: { readonly to: number; readonly seenSmall: ReadonlySet<string> },
): boolean {
  const token = run[from]
  const next = run[from + 1]
  if (token === undefined) return false
  if (!token.capital) return true
  if (TITLES.has(token.lower.replace(/\.$/, '')) && from + 1 < to && isCapital(next)) return true
  if (!token.opensSentence) return false
  return ORDINARY_WORDS.has(token.lower) || ORDINARY_ENDING.test(token.lower) || seenSmall.has(token.lower)
}

function isName(run: Run, seenSmall: ReadonlySet<string>): boolean {
  const words = run.filter(({ word }) => word)
  const [only] = words
  if (words.length !== 1 || only === undefined) return words.length > 1
  if (only.text === 'I' || /^I['’]/.test(only.text)) return false
  if (ORDINARY_ABBREVIATIONS.has(only.text.replace(/\.$/, ''))) return false
  if (only.text.length === 1) return false
  if (TITLES.has(only.lower.replace(/\.$/, ''))) return false
  if (ORDINARY_WORDS.has(only.lower)) return false
  return !(only.opensSentence && (seenSmall.has(only.lower) || ORDINARY_ENDING.test(only.lower)))
}
