/** Puts other words into a text, at places and not by search. */

export interface Correction {
  /** UTF-16 offsets into the text as it was, `end` exclusive. */
  readonly start: number
  readonly end: number
  /** What stands there, so that a correction of another text is noticed. */
  readonly was: string
  /** What shall stand there. */
  readonly text: string
}

/**
 * Applies corrections of one text, all by its own offsets.
 *
 * @returns null when one of them does not fit the text or two overlap: a text is patched as meant, or not at all
 */
export function patched(text: string, corrections: readonly Correction[]): string | null {
  const inOrder = corrections.toSorted((a, b) => a.start - b.start || a.end - b.end)
  let at = 0
  let result = ''
  for (const { start, end, was, text: words } of inOrder) {
    if (start < at || end < start || text.slice(start, end) !== was || cutsCharacter(text, start, end)) return null
    result += text.slice(at, start) + words
    at = end
  }
  return result + text.slice(at)
}

/** Half of a character would be lost, and the other half would spoil what comes before or after it. */
function cutsCharacter(text: string, start: number, end: number): boolean {
  return [start, end].some(
    (at) => /[\uD800-\uDBFF]/.test(text.charAt(at - 1)) && /[\uDC00-\uDFFF]/.test(text.charAt(at)),
  )
}
