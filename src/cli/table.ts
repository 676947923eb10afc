/** Plain text tables: columns as wide as their widest cell, the widest one shortened until the line fits. */

export interface TableOptions {
  /** Columns of the terminal. */
  readonly columns: number
  /** Headings whose cells are never shortened: what people copy. */
  readonly whole?: readonly string[]
}

const GAP = 2
const SHORTEST_CELL = 8 // Narrower cells say nothing; the line then runs over instead.

/**
 * Lays out rows below their headings.
 *
 * @param headings one word per column
 * @param rows cells in the order of the headings; line breaks and runs of spaces become one space
 * @returns the lines, without trailing spaces
 */
export function renderTable(
  headings: readonly string[],
  rows: readonly (readonly string[])[],
  options: TableOptions,
): readonly string[] {
  const cells = [headings, ...rows].map((row) => headings.map((_, column) => oneLine(row[column] ?? '')))
  const widths = fitWidths(
    headings.map((_, column) => Math.max(...cells.map((row) => row[column]?.length ?? 0))),
    { columns: options.columns, whole: headings.map((heading) => options.whole?.includes(heading) ?? false) },
  )
  return cells.map((row) =>
    row
      .map((cell, column) => shorten(cell, widths[column] ?? 0).padEnd((widths[column] ?? 0) + GAP))
      .join('')
      .trimEnd(),
  )
}

/** Cuts a text to a number of characters, the last of which is then an ellipsis. */
export function shorten(text: string, width: number): string {
  return text.length <= width ? text : `${text.slice(0, Math.max(0, width - 1)).trimEnd()}…`
}

/** Line breaks and runs of white space to single spaces. */
export function oneLine(text: string): string {
  return text.replace(/\s+/g, ' ').trim()
}

interface Fit {
  readonly columns: number
  /** Per column, whether it keeps its width. */
  readonly whole: readonly boolean[]
}

function fitWidths(natural: readonly number[], { columns, whole }: Fit): readonly number[] {
  const widths = [...natural]
  const total = (): number => widths.reduce((sum, width) => sum + width + GAP, -GAP)
  while (total() > columns) {
    const widest = Math.max(...widths.filter((_, column) => !whole[column]))
    if (widest <= SHORTEST_CELL) break
    const column = widths.findIndex((width, index) => width === widest && !whole[index])
    widths[column] = Math.max(SHORTEST_CELL, widest - (total() - columns), Math.floor(widest * 0.9))
  }
  return widths
}
