/** Where private pieces of a text stand. */
import type { PrivateKind } from '../../spec/private-kinds.ts'

/** A private piece of a text: UTF-16 offsets, end exclusive. */
export interface PrivateSpan {
  readonly kind: PrivateKind
  /** The detector, for example `github` or `assignment`. */
  readonly detector: string
  readonly start: number
  readonly end: number
}

/** Where something was found within a stretch of the text, and by what. */
export interface Finding {
  readonly detector: string
  readonly start: number
  readonly end: number
}

/** A part of the text around digits. */
export interface Part {
  readonly text: string
  /** The whole text and where the part begins in it, for what stands around. */
  readonly whole: string
  readonly offset: number
}
