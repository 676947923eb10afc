/** A table with its headings, in a place where it may be wider than the page. */
import type { ComponentChildren } from 'preact'
import { Scroll } from './scroll.tsx'

interface TableProps {
  /** What it is, for those who do not see it. */
  readonly label: string
  /** Headings; those of figures, which stand to the right, as `{ figure: 'Calls' }`. */
  readonly columns: readonly (string | { readonly figure: string })[]
  readonly kind?: string
  /** Rows. */
  readonly children: ComponentChildren
}

export function Table({ label, columns, kind, children }: TableProps) {
  return (
    <Scroll label={label}>
      <table class={kind}>
        <thead>
          <tr>
            {columns.map((column) =>
              typeof column === 'string' ? (
                <th key={column} scope="col">
                  {column}
                </th>
              ) : (
                <th key={column.figure} scope="col" class="num">
                  {column.figure}
                </th>
              ),
            )}
          </tr>
        </thead>
        <tbody>{children}</tbody>
      </table>
    </Scroll>
  )
}
