/** The fixed texts that a match of a pattern must begin with. Pure. */

/** More alternatives than these are no help. */
const MOST = 64

/**
 * Reads a pattern from its start for as long as it is fixed: letters, escaped marks, groups of alternatives, small sets of
 * letters. What follows is left out, so every match of the pattern begins with one of the results.
 *
 * @param source of a regular expression, without look-around at its start
 * @returns lower case; empty when nothing is fixed
 */
export function fixedStarts(source: string): readonly string[] {
  const found = alternatives({ source, at: 0 })
  const starts = [...new Set(found.map(({ text }) => text.toLowerCase()))]
  return starts.some((text) => text.length < 2) || starts.length > MOST ? [] : starts
}

interface Cursor {
  readonly source: string
  at: number
}

/** `isOpen`: the text may still grow; closed ones met something that is not fixed. */
interface Start {
  readonly text: string
  readonly isOpen: boolean
}

/** Up to the end of the group, or of the pattern. */
function alternatives(cursor: Cursor): readonly Start[] {
  const all: Start[] = []
  let own: readonly Start[] = [{ text: '', isOpen: true }]
  while (cursor.at < cursor.source.length && cursor.source[cursor.at] !== ')') {
    if (cursor.source[cursor.at] === '|') {
      all.push(...own)
      own = [{ text: '', isOpen: true }]
      cursor.at += 1
      continue
    }
    own = joined(own, piece(cursor))
  }
  return [...all, ...own]
}

function joined(starts: readonly Start[], next: readonly Start[]): readonly Start[] {
  return starts
    .flatMap((start) =>
      start.isOpen ? next.map(({ text, isOpen }) => ({ text: start.text + text, isOpen })) : [start],
    )
    .slice(0, MOST + 1)
}

const CLOSED: readonly Start[] = [{ text: '', isOpen: false }]

function piece(cursor: Cursor): readonly Start[] {
  const one = unit(cursor)
  // A repeated or optional piece is not fixed.
  if (/[?*+{]/.test(cursor.source[cursor.at] ?? '')) {
    skipQuantifier(cursor)
    return CLOSED
  }
  return one
}

function unit(cursor: Cursor): readonly Start[] {
  const { source, at } = cursor
  const letter = source[at] ?? ''
  if (letter === '(') return group(cursor)
  if (letter === '[') return set(cursor)
  if (letter === '\\') {
    cursor.at += 2
    const escaped = source[at + 1] ?? ''
    return /[a-z0-9]/i.test(escaped) ? CLOSED : [{ text: escaped, isOpen: true }]
  }
  cursor.at += 1
  return /[.^$]/.test(letter) ? CLOSED : [{ text: letter, isOpen: true }]
}

function group(cursor: Cursor): readonly Start[] {
  const isPlain = cursor.source.startsWith('(?:', cursor.at)
  cursor.at += isPlain ? 3 : 1
  const found = alternatives(cursor)
  cursor.at += 1
  return isPlain ? found : CLOSED
}

function set(cursor: Cursor): readonly Start[] {
  const end = cursor.source.indexOf(']', cursor.at)
  const letters = cursor.source.slice(cursor.at + 1, end)
  cursor.at = end + 1
  const isSmall = letters.length <= 8 && !/[\\^-]/.test(letters)
  return isSmall ? [...letters].map((text) => ({ text, isOpen: true })) : CLOSED
}

function skipQuantifier(cursor: Cursor): void {
  if (cursor.source[cursor.at] === '{') cursor.at = cursor.source.indexOf('}', cursor.at)
  cursor.at += 1
  if (cursor.source[cursor.at] === '?') cursor.at += 1
}
