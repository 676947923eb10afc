/** A model that writes may put words around an option. Pure. */

/** @returns the option that a text is, or the only one that it names as a whole word; else null */
export function optionNamed(text: string, options: readonly string[]): string | null {
  const said = text.trim().toLowerCase()
  if (said === '') return null
  const exact = options.find((option) => option.toLowerCase() === said)
  if (exact !== undefined) return exact
  const words = ` ${said.replace(/[^\p{L}\p{N}_-]+/gu, ' ')} `
  const named = options.filter((option) => words.includes(` ${option.toLowerCase()} `))
  return named.length === 1 ? (named[0] ?? null) : null
}
