/**
 * What is found in a text is the same for the same text, and conversations send their instructions and earlier turns again with every
 * request. In memory only, and little of it.
 */

/**
 * Characters of one generation, of which two are kept. A text longer than a quarter of it is read each time. What is met often is read
 * again once in two generations: to carry it over would push out what was kept a moment ago.
 */
const GENERATION_CHARS = 250_000
/** What an entry costs beside its text. */
const ENTRY_CHARS = 100

/** Reads a text, or remembers what was read in it. */
export interface Remembered<T> {
  (text: string): T
  /** Whether reading this text costs nothing now. */
  knows(text: string): boolean
  /** Takes over what was read elsewhere, of whatever length, in place of the oldest. None of them is forgotten before the next call. */
  keep(readings: Iterable<readonly [text: string, found: T]>): void
}

/**
 * @param read depends on nothing but the text, and its result is never changed
 * @returns the same, but for texts it met a little while ago
 */
export function remembered<T extends object | string | boolean>(
  read: (text: string) => T,
  generationChars = GENERATION_CHARS,
): Remembered<T> {
  let young = new Map<string, T>()
  let old: ReadonlyMap<string, T> = young
  let chars = 0
  const makeRoom = (): void => {
    if (chars <= generationChars) return
    old = young
    young = new Map()
    chars = 0
  }
  const add = (text: string, found: T): void => {
    young.set(text, found)
    chars += text.length + ENTRY_CHARS
  }
  const look = (text: string): T => {
    const known = young.get(text) ?? old.get(text)
    if (known !== undefined) return known
    const found = read(text)
    if (text.length > generationChars / 4) return found
    makeRoom()
    add(text, found)
    return found
  }
  return Object.assign(look, {
    knows: (text: string) => young.has(text) || old.has(text),
    keep(readings: Iterable<readonly [string, T]>) {
      makeRoom()
      for (const [text, found] of readings) add(text, found)
    },
  })
}
