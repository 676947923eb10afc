/** What lines a change takes out and puts in. Pure. */

/**
 * @returns `- line`, `+ line`, and `  line` for one line around them; equal parts further away are left out
 * @see Hunt and McIlroy 1976; the plain table of common subsequences, which configuration files are short enough for
 */
export function lineDiff(before: string, after: string): readonly string[] {
  const [old, next] = [linesOf(before), linesOf(after)]
  const common = commonLengths(old, next)
  const steps: { readonly mark: ' ' | '-' | '+'; readonly line: string }[] = []
  let [i, j] = [0, 0]
  while (i < old.length || j < next.length) {
    const [a, b] = [old[i], next[j]]
    if (a !== undefined && a === b) {
      steps.push({ mark: ' ', line: a })
      i += 1
      j += 1
    } else if (a !== undefined && (b === undefined || at(common, i + 1, j) >= at(common, i, j + 1))) {
      steps.push({ mark: '-', line: a })
      i += 1
    } else {
      steps.push({ mark: '+', line: b ?? '' })
      j += 1
    }
  }
  const near = (index: number): boolean =>
    steps.slice(Math.max(0, index - 1), index + 2).some(({ mark }) => mark !== ' ')
  return steps.filter((_, index) => near(index)).map(({ mark, line }) => `${mark} ${line}`)
}

function linesOf(text: string): readonly string[] {
  return text === '' ? [] : text.replace(/\n$/, '').split('\n')
}

type Table = readonly (readonly number[])[]

/** Lengths of the longest common subsequences of what is left from line i and line j on. */
function commonLengths(old: readonly string[], next: readonly string[]): Table {
  const table = Array.from({ length: old.length + 1 }, () => new Array<number>(next.length + 1).fill(0))
  for (let i = old.length - 1; i >= 0; i -= 1) {
    const row = table[i] ?? []
    for (let j = next.length - 1; j >= 0; j -= 1)
      row[j] = old[i] === next[j] ? at(table, i + 1, j + 1) + 1 : Math.max(at(table, i + 1, j), at(table, i, j + 1))
  }
  return table
}

function at(table: Table, i: number, j: number): number {
  return table[i]?.[j] ?? 0
}
