/** Passages of a document as a question can be asked about them: a few sentences that stand together. */
import type { Clause } from './clauses.ts'
import { findEntities } from './entities.ts'
import { contentWords, type Match, wordSearch } from './retrieve.ts'
import { splitSentences } from './sentences.ts'

/** Sentences of a window, and how many the next one starts after it: every pair of neighbours stands in one window. */
const WINDOW_SENTENCES = 4
const WINDOW_STEP = 2

/** A piece of a document: UTF-16 offsets, `end` exclusive. */
export interface DocumentWindow extends Clause {
  readonly text: string
}

/**
 * The windows of a document, in its order. An empty line ends a window: what stands after it is about something else. The
 * last window of a part may be shorter.
 */
export function windowsOf(document: string): readonly DocumentWindow[] {
  return partsOf(document).flatMap((sentences) => {
    const starts = sentences.flatMap((_, at) => (at % WINDOW_STEP === 0 ? [at] : []))
    const last = starts.findIndex((at) => at + WINDOW_SENTENCES >= sentences.length)
    return starts.slice(0, last + 1).map((at) => windowFrom(document, sentences.slice(at, at + WINDOW_SENTENCES)))
  })
}

function windowFrom(document: string, sentences: readonly Clause[]): DocumentWindow {
  const start = sentences[0]?.start ?? 0
  const end = sentences.at(-1)?.end ?? start
  return { start, end, text: document.slice(start, end) }
}

function partsOf(document: string): readonly (readonly Clause[])[] {
  const parts: Clause[][] = []
  let before: Clause | null = null
  for (const sentence of splitSentences(document)) {
    const isApart = before !== null && /\n[^\S\n]*\n/.test(document.slice(before.end, sentence.start))
    if (before === null || isApart) parts.push([])
    parts.at(-1)?.push(sentence)
    before = sentence
  }
  return parts
}

/** Ways to find passages. `embedding` reads every window with the local model, so it takes seconds on a long document. */
export const RETRIEVERS = ['lexical', 'embedding', 'hybrid'] as const
export type RetrieverName = (typeof RETRIEVERS)[number]

/** How well each text fits some words: one figure a text, 0 to 1, the best has 1 where anything fits at all. */
export type ScoreByWords = (words: string) => readonly number[]

/**
 * The same for a query, by whatever means; `byWords` searches these texts over an index that is there anyway. Comparable within one call
 * only.
 */
export type Retriever = (query: string, texts: readonly string[], byWords: ScoreByWords) => Promise<readonly number[]>

/** The vectors of some texts, in their order; see `ModelPort.embed`. */
export type Embed = (texts: readonly string[]) => Promise<readonly (readonly number[])[]>

export const lexicalRetriever: Retriever = async (query, _texts, byWords) => byWords(query)

/** By the cosine of vectors from which what all windows have in common was taken. */
export function embeddingRetriever(embed: Embed): Retriever {
  return async (query, texts) => {
    const [queryVector = [], ...vectors] = await embed([query, ...texts])
    const centre = meanOf(vectors)
    const asked = without(queryVector, centre)
    const cosines = vectors.map((vector) => cosine(asked, without(vector, centre)))
    return scaled(cosines.map((value) => (value + 1) / 2))
  }
}

/** The mean of both. Words know names and numbers, vectors know other words for the same. */
export function hybridRetriever(embed: Embed): Retriever {
  const byVector = embeddingRetriever(embed)
  return async (query, texts, byWords) => {
    const near = await byVector(query, texts, byWords)
    return scaled(byWords(query).map((score, at) => (score + (near[at] ?? 0)) / 2))
  }
}

/** What the names in windows that were chosen already count for the next, against the query's own words. */
const FOLLOWING_WEIGHT = 0.5

/** Gives the next so many windows, best first; fewer when there are no more. */
export type TakeWindows = (count: number) => readonly DocumentWindow[]

/**
 * The windows to look at, best first, found as they are wanted. After the first, the names in those taken so far count as well: the answer to a question about
 * one thing often stands with another that the first passage names. Measured on 177 questions of HotpotQA (lexical): with it two windows
 * hold the answer in 72 %, three in 81 %; without it in 72 % and 79 %.
 */
export async function orderWindows(
  query: string,
  windows: readonly DocumentWindow[],
  retrieve: Retriever,
): Promise<TakeWindows> {
  const texts = windows.map(({ text }) => text)
  let search: ReturnType<typeof wordSearch> | null = null
  const byWords: ScoreByWords = (words) => {
    search ??= wordSearch(texts)
    return scoresOf(search(words), texts.length)
  }
  const own = await retrieve(query, texts, byWords)
  const known = new Set(contentWords(query))
  const names = new Set<string>()
  const left = new Set(windows.keys())
  let last: DocumentWindow | null = null
  const next = (): DocumentWindow | null => {
    if (left.size === 0) return null
    // What is left alone needs no choice.
    if (last && left.size > 1) for (const word of namesIn(last.text)) if (!known.has(word)) names.add(word)
    const followed = names.size > 0 && left.size > 1 ? byWords([...names].join(' ')) : []
    const at = bestOf(left, (place) => (own[place] ?? 0) + FOLLOWING_WEIGHT * (followed[place] ?? 0))
    left.delete(at)
    last = windows[at] ?? null
    return last
  }
  return (count) => Array.from({ length: Math.min(count, left.size) }, next).filter((window) => window !== null)
}

function bestOf(places: ReadonlySet<number>, scoreOf: (at: number) => number): number {
  return [...places].reduce((best, at) => (scoreOf(at) > scoreOf(best) ? at : best))
}

function namesIn(text: string): readonly string[] {
  return findEntities(text).flatMap((entity) => contentWords(entity.text))
}

/** Windows in the order of the document, those that overlap or touch as one: nothing is sent twice. */
export function joinWindows(document: string, windows: readonly DocumentWindow[]): readonly DocumentWindow[] {
  const joined: DocumentWindow[] = []
  for (const window of windows.toSorted((a, b) => a.start - b.start || a.end - b.end)) {
    const before = joined.at(-1)
    if (before && /^[^\S\n]*\n?[^\S\n]*$/.test(document.slice(before.end, Math.max(before.end, window.start)))) {
      const end = Math.max(before.end, window.end)
      joined.splice(-1, 1, { start: before.start, end, text: document.slice(before.start, end) })
    } else joined.push(window)
  }
  return joined
}

/** One figure a text, 0 where no word is shared. */
function scoresOf(matches: readonly Match[], count: number): readonly number[] {
  const scores = Array.from({ length: count }, () => 0)
  for (const { index, score } of matches) scores[index] = score
  return scaled(scores)
}

function scaled(scores: readonly number[]): readonly number[] {
  const most = scores.reduce((largest, score) => Math.max(largest, score), 0)
  return most === 0 ? scores : scores.map((score) => Math.max(0, score) / most)
}

function meanOf(vectors: readonly (readonly number[])[]): readonly number[] {
  const width = vectors[0]?.length ?? 0
  return Array.from({ length: width }, (_, at) => {
    return vectors.reduce((sum, vector) => sum + (vector[at] ?? 0), 0) / vectors.length
  })
}

/** With one window alone there is nothing that all have in common. */
function without(vector: readonly number[], centre: readonly number[]): readonly number[] {
  const apart = vector.map((value, at) => value - (centre[at] ?? 0))
  return apart.some((value) => value !== 0) ? apart : vector
}

function cosine(one: readonly number[], other: readonly number[]): number {
  let [product, first, second] = [0, 0, 0]
  for (const [at, value] of one.entries()) {
    const against = other[at] ?? 0
    product += value * against
    first += value * value
    second += against * against
  }
  return first === 0 || second === 0 ? 0 : product / Math.sqrt(first * second)
}
