import { describe, expect, it } from 'vitest'
import { renderTable } from '../../src/cli/table.ts'

describe('a table', () => {
  it('makes each column as wide as its widest cell', () => {
    expect(
      renderTable(
        ['input', 'route'],
        [
          ['a.log', 'local'],
          ['arithmetic', 'solver'],
        ],
        { columns: 100 },
      ),
    ).toEqual(['input       route', 'a.log       local', 'arithmetic  solver'])
  })

  it('shortens the widest column until a line fits the terminal, and marks the cut', () => {
    const lines = renderTable(['input', 'answer'], [['x', 'The capital of France is Paris.']], { columns: 20 })
    expect(lines).toEqual(['input  answer', 'x      The capital…'])
  })

  it('keeps a cell with line breaks on one line', () => {
    expect(renderTable(['answer'], [['one\n  two\tthree']], { columns: 100 })).toEqual(['answer', 'one two three'])
  })

  it('never shortens the columns that people copy from', () => {
    const lines = renderTable(['request', 'answer'], [['2212e187-ce83-42a5', 'The capital of France']], {
      columns: 30,
      whole: ['request'],
    })
    expect(lines).toEqual(['request             answer', '2212e187-ce83-42a5  The capit…'])
  })
})
