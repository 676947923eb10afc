/**
 * Whether a text is unlike the texts a task has had. Half of the history is what texts are compared with, the other half says how far
 * texts of this task usually lie from it; so the share of ordinary texts that are called novel is known. Pure.
 */
import { shareAtLeast } from './conformal.ts'
import type { Sparse } from './sparse-linear.ts'
import { fitTextVectors, type TextVectors, textVector } from './text-vectors.ts'

/** One text of the history and its right answer, where it is known. */
export interface PastText {
  readonly text: string
  readonly label: string | null
}

export interface Novelty {
  /**
   * Shares of the history's own texts that lie as far away (`unlike`), and whose neighbours' answers conflict as much (`conflict`; 1
   * when those of the neighbours are not known, null when hardly any is). For texts drawn as the history was, each is at most `a` with a probability of at most `a`.
   */
  judge(text: string): { readonly unlike: number; readonly conflict: number | null }
}

/** A single odd neighbour must not make a text familiar. */
const NEAREST = 3
const VOTERS = 7
/** Both halves together; comparing costs time in proportion, and a fit about a third of a millisecond a text. */
const MOST = 600

/** @param history oldest first; the newest 600 count */
export function fitNovelty(history: readonly PastText[]): Novelty {
  const newest = history.slice(-MOST)
  const known = newest.filter((_, at) => at % 2 === 0)
  const heldBack = newest.filter((_, at) => at % 2 === 1)
  const vectors = withUnseen(
    fitTextVectors(
      known.map(({ text }) => text),
      1,
    ),
  )
  const index = indexOf(known, vectors)
  const hasAnswers = 2 * known.filter(({ label }) => label !== null).length >= known.length
  const usual = heldBack.map(({ text }) => distances(index, textVector(vectors, text)))
  return {
    judge(text) {
      const own = distances(index, textVector(vectors, text))
      return {
        unlike: shareAtLeast(
          usual.map(({ far }) => far),
          own.far,
        ),
        conflict: hasAnswers ? conflictOf(usual, own.torn) : null,
      }
    },
  }
}

function conflictOf(usual: readonly { readonly torn: number | null }[], torn: number | null): number {
  return torn === null
    ? 1
    : shareAtLeast(
        usual.map((one) => one.torn ?? 0),
        torn,
      )
}

/** A run of letters that the history never had is as rare as can be, not worth nothing. */
function withUnseen({ rarity }: TextVectors): TextVectors {
  const rarest = rarity.reduce((most, one) => Math.max(most, one), 0)
  return { rarity: rarity.map((one) => one || rarest) }
}

interface Index {
  readonly known: readonly PastText[]
  readonly byGram: ReadonlyMap<number, readonly { readonly at: number; readonly value: number }[]>
}

function indexOf(known: readonly PastText[], vectors: TextVectors): Index {
  const byGram = new Map<number, { at: number; value: number }[]>()
  known.forEach(({ text }, at) => {
    const { indices, values } = textVector(vectors, text)
    indices.forEach((gram, entry) => {
      const own = byGram.get(gram) ?? []
      own.push({ at, value: values[entry] ?? 0 })
      byGram.set(gram, own)
    })
  })
  return { known, byGram }
}

/** `far`: 1 minus the mean likeness (0 to 1) of the nearest; `torn`: the share of the neighbours' answers that are not the first. */
function distances({ known, byGram }: Index, { indices, values }: Sparse): { far: number; torn: number | null } {
  const likeness = new Float32Array(known.length)
  indices.forEach((gram, entry) => {
    for (const { at, value } of byGram.get(gram) ?? [])
      likeness[at] = (likeness[at] ?? 0) + value * (values[entry] ?? 0)
  })
  const order = Array.from(likeness, (like, at) => ({ like: like / 2, at })).toSorted((a, b) => b.like - a.like)
  const nearest = order.slice(0, NEAREST)
  return {
    far: 1 - nearest.reduce((sum, { like }) => sum + like, 0) / Math.max(1, nearest.length),
    torn: tornOf(order.slice(0, VOTERS).map(({ at, like }) => ({ label: known[at]?.label ?? null, like }))),
  }
}

function tornOf(voters: readonly { readonly label: string | null; readonly like: number }[]): number | null {
  const votes = new Map<string, number>()
  for (const { label, like } of voters) if (label !== null) votes.set(label, (votes.get(label) ?? 0) + like)
  const all = [...votes.values()].reduce((sum, one) => sum + one, 0)
  if (voters.filter(({ label }) => label !== null).length < VOTERS || all === 0) return null
  return 1 - Math.max(...votes.values()) / all
}
