/** What a typed decision of an open kind found, beside the text that a caller gets. Plain data. */
import type { TaskKind } from './decision.ts'
import type { JsonLeaf } from './ports.ts'
import { questionParts, type RouterRequest } from './request.ts'

/** A place in the text that was asked about: UTF-16 offsets, `end` exclusive. */
export interface Place {
  readonly start: number
  readonly end: number
}

export type Reading =
  /** `extract`, `answer`: where the answer stands in the document; null when it holds none. */
  | { readonly kind: 'span'; readonly span: Place | null; readonly score: number }
  | { readonly kind: 'entities'; readonly entities: readonly EntityReading[] }
  /** `rank`: every item once, best first. */
  | {
      readonly kind: 'ranking'
      readonly ranking: readonly RankedItem[]
      /** Items that are worth keeping, by their place in the request. */
      readonly kept: readonly number[]
      /** What speaks for the first item speaks against it elsewhere. */
      readonly conflict: boolean
      /** Items for which no evidence could be read. */
      readonly missing: readonly number[]
    }
  /** `similarity`: on the scale of the task's examples, or from 0 to 1. */
  | { readonly kind: 'similarity'; readonly score: number }
  /** `tool`: every tool, best first. */
  | { readonly kind: 'tool'; readonly ranked: readonly { readonly name: string; readonly score: number }[] }
  | { readonly kind: 'json'; readonly leaves: readonly JsonLeaf[]; readonly repaired: boolean }

export interface EntityReading extends Place {
  readonly text: string
  /** PER, LOC, ORG, MISC; null when the type is not known. */
  readonly label: string | null
  /** 0 to 1. */
  readonly score: number
}

export interface RankedItem {
  /** Place of the item in the request, from 0. */
  readonly index: number
  readonly item: string
  /** 0 to 1. */
  readonly score: number
}

/**
 * Whether an answer of this kind is found in the request instead of written: the kind asks for it, and the request says
 * what it is about.
 */
export function isRead(kind: TaskKind, request: RouterRequest): boolean {
  if (kind === 'entities') return true
  if (kind === 'tool') return (request.tools?.length ?? 0) > 0
  const about = kind === 'extract' || kind === 'answer' || kind === 'rank' || kind === 'similarity'
  return about && questionParts(request.messages) !== null
}

/** The text of an answer that says that the document holds none. */
export const NO_ANSWER = 'No answer in the document.'
