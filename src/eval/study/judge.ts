/** Whether an answer of the study is right, by the metric of its set. Pure. */
import { NO_ANSWER } from '../../spec/reading.ts'
import type { StudyRow } from './sets.ts'
import { squadEm, squadF1 } from './squad-score.ts'

export interface Judged {
  readonly isCorrect: boolean
  /** Sets answered by words of a document: 0 to 1. */
  readonly f1?: number
  readonly em?: number
  readonly entities?: EntityCounts
  /** stsb: what was said, 0 to 5; absent where a label was. */
  readonly said?: number
}

export interface EntityCounts {
  readonly gold: number
  readonly found: number
  /** Found ones that are right in their words. */
  readonly right: number
  /** Those that are right in their type as well. */
  readonly typed: number
}

/** @param answer as the caller got it; null: none was given */
export function judge(row: StudyRow, answer: string | null): Judged {
  if (answer === null) return judged(row, '')
  return judged(row, answer.trim())
}

function judged(row: StudyRow, answer: string): Judged {
  switch (row.set) {
    case 'agnews':
    case 'sst2':
      return { isCorrect: row.answers.includes(labelNamed(answer, row.labels ?? []) ?? '') }
    case 'stsb':
      return judgedLikeness(row, answer)
    case 'gsm8k': {
      const said = numberNamed(answer)
      return { isCorrect: said !== null && row.answers.some((gold) => numberNamed(gold) === said) }
    }
    case 'wikigold':
      return judgedEntities(row, answer)
    case 'squad':
    case 'hotpotqa':
      return judgedWords(row, answer)
  }
}

/**
 * The label that an answer names as whole words; of labels inside one another the longest, so that "very similar" is not read as
 * "similar". Null when none is named, or several are: an answer that names two has not chosen.
 */
export function labelNamed(text: string, labels: readonly string[]): string | null {
  const exact = labels.find((label) => folded(label) === folded(text))
  if (exact !== undefined) return exact
  const found = labels.flatMap((label) =>
    [...text.matchAll(new RegExp(`(?<![\\p{L}\\p{N}])${escaped(label)}(?![\\p{L}\\p{N}])`, 'giu'))].map(
      ({ index }) => ({
        label,
        start: index,
        end: index + label.length,
      }),
    ),
  )
  const whole = found.filter(
    (one) =>
      !found.some((other) => other.label.length > one.label.length && other.start <= one.start && other.end >= one.end),
  )
  const [first, ...others] = new Set(whole.map(({ label }) => label))
  return first !== undefined && others.length === 0 ? first : null
}

/** The number of the last line that says `Answer:` or `####`, else the last number of the text; thousands separators do not count. */
export function numberNamed(text: string): number | null {
  const line = [...text.matchAll(/(?:^|\n)\s*(?:\**answer\**\s*:|####)\s*(.*)/gi)].at(-1)?.[1]
  const numbers = (line === undefined ? text : line).match(/-?\d[\d,]*(?:\.\d+)?/g)
  const said = line === undefined ? numbers?.at(-1) : numbers?.[0]
  return said === undefined ? null : Number(said.replaceAll(',', ''))
}

const LIKENESS = ['dissimilar', 'similar', 'very similar'] as const

/** The label of a score from 0 to 5. */
export function bandOf(score: number): (typeof LIKENESS)[number] {
  return score >= 4 ? 'very similar' : score >= 2.5 ? 'similar' : 'dissimilar'
}

/** A number from 0 to 1, as the task's scale is, or one of the three labels. */
function judgedLikeness({ meta }: StudyRow, answer: string): Judged {
  const gold = bandOf(meta.score ?? 0)
  const share = /^\d(?:\.\d+)?$/.test(answer) ? Number(answer) : null
  if (share !== null && share <= 1) return { isCorrect: bandOf(share * 5) === gold, said: share * 5 }
  return { isCorrect: labelNamed(answer, LIKENESS) === gold }
}

/** The bar that was published, types left out as there, on F1 in place of recall: echoing the sentence must not count. */
const ENTITY_BAR = 0.85

function judgedEntities({ meta }: StudyRow, answer: string): Judged {
  const left = [...(meta.entities ?? [])]
  const gold = left.length
  const said = entitiesNamed(answer)
  let [right, typed] = [0, 0]
  for (const one of said) {
    const same = left.filter((name) => folded(name.text) === folded(one.text))
    const match = same.find(({ label }) => label === one.label) ?? same[0]
    if (!match) continue
    left.splice(left.indexOf(match), 1)
    right++
    if (match.label === one.label) typed++
  }
  const f1 = gold + said.length === 0 ? 1 : (2 * right) / (gold + said.length)
  return { isCorrect: f1 >= ENTITY_BAR, entities: { gold, found: said.length, right, typed } }
}

interface Name {
  readonly text: string
  /** Null: the type is not known. */
  readonly label: string | null
}

/** A JSON array of {"text", "label"}, or lines of `TYPE: name`. */
export function entitiesNamed(text: string): readonly Name[] {
  try {
    const value: unknown = JSON.parse(text)
    if (Array.isArray(value)) return value.filter(isName)
  } catch {
    // Lines are the other form.
  }
  return [...text.matchAll(/^\W*(PER|LOC|ORG|MISC)\s*:\s*(.+)$/gim)].map(([, label = '', name = '']) => ({
    text: name.trim(),
    label: label.toUpperCase(),
  }))
}

function isName(value: unknown): value is Name {
  if (typeof value !== 'object' || value === null || !('text' in value) || !('label' in value)) return false
  return typeof value.text === 'string' && (typeof value.label === 'string' || value.label === null)
}

/** As published: half of the words. Mean F1 and exact match stand beside it. */
const WORDS_BAR = 0.5

function judgedWords({ answers }: StudyRow, text: string): Judged {
  const last = [...text.matchAll(/(?:^|\n)\s*answer\s*:\s*(.*)/gi)].at(-1)?.[1] ?? text
  const answer = last.trim() === NO_ANSWER || /^"?none\b/i.test(last.trim()) ? null : last
  const f1 = squadF1(answer, answers)
  return { isCorrect: f1 >= WORDS_BAR, f1, em: squadEm(answer, answers) }
}

function folded(text: string): string {
  return text
    .normalize('NFKC')
    .toLowerCase()
    .replace(/\s+/g, ' ')
    .replace(/^[\s"'`*.]+|[\s"'`*.]+$/g, '')
}

function escaped(text: string): string {
  return text.replace(/[.*+?^${}()|[\]\\/]/g, '\\$&')
}
