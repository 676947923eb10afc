/**
 * What is found in a text is the same for the same text, and conversations send their instructions and earlier turns again with every
 * request. In memory only, and little of it.
 */

/** Characters of one generation, of which two are kept. A text longer than a quarter of it is read each time. */
const GENERATION_CHARS = 250_000
/** What an entry costs beside its text. */
const ENTRY_CHARS = 100

/**
 * @param read depends on nothing but the text, and its result is never changed
 * @returns the same, but for texts it met a little while ago
 */
export function remembered<T extends object | string | boolean>(
  read: (text: string) => T,
  generationChars = GENERATION_CHARS,
): (text: string) => T {
  let young = new Map<string, T>()
  let old: ReadonlyMap<string, T> = young
  let chars = 0
  return (text) => {
    const known = young.get(text)
    if (known !== undefined) return known
    const found = old.get(text) ?? read(text)
    if (text.length > generationChars / 4) return found
    if (chars > generationChars) {
      old = young
      young = new Map()
      chars = 0
    }
    young.set(text, found)
    chars += text.length + ENTRY_CHARS
    return found
  }
}
