/** The known word a person most likely meant, or null when none is near (more than a third of the letters differ). */
export function closest(word: string, known: readonly string[]): string | null {
  const ranked = known
    .map((candidate) => ({ candidate, distance: editDistance(word.toLowerCase(), candidate.toLowerCase()) }))
    .sort((a, b) => a.distance - b.distance)
  const best = ranked[0]
  return best && best.distance <= Math.max(2, Math.floor(word.length / 3)) ? best.candidate : null
}

/** What to do about a word that is none of the known ones: the one that was likely meant, else what can be said. */
export function meant(
  word: string,
  known: readonly string[],
  otherwise = `Known: ${known.join(', ') || 'none'}.`,
): string {
  const near = closest(word, known)
  return near ? `Did you mean ${near}?` : otherwise
}

/** Levenshtein 1966: the fewest insertions, deletions and replacements. Words over 64 letters are cut. */
function editDistance(left: string, right: string): number {
  const a = left.slice(0, 64)
  const b = right.slice(0, 64)
  let previous = Array.from({ length: b.length + 1 }, (_, index) => index)
  for (let i = 1; i <= a.length; i++) {
    const row = [i]
    for (let j = 1; j <= b.length; j++) {
      const replaced = (previous[j - 1] ?? 0) + (a[i - 1] === b[j - 1] ? 0 : 1)
      row.push(Math.min(replaced, (previous[j] ?? 0) + 1, (row[j - 1] ?? 0) + 1))
    }
    previous = row
  }
  return previous[b.length] ?? 0
}
