import { describe, expect, it } from 'vitest'
import { barText, progressView } from '../../src/cli/progress.ts'
import type { Terminal } from '../../src/cli/terminal.ts'

function recording(): { readonly terminal: Terminal; readonly said: readonly string[] } {
  const said: string[] = []
  const ignore = (): void => undefined
  const terminal = {
    print: ignore,
    write: ignore,
    json: ignore,
    say: (line: string) => void said.push(line),
    paint: (_: string, text: string) => text,
    columns: 80,
  }
  return { terminal, said }
}

describe('progress', () => {
  it('draws a bar with share and megabytes when the size is known', () => {
    expect(barText({ label: 'model', received: 49_000_000, total: 98_000_000 })).toBe(
      'model  [############------------]  50 %  49 of 98 MB',
    )
  })

  it('shows what came so far when the size is unknown, and only the label when nothing is known', () => {
    expect(barText({ label: 'model', received: 3_000_000, total: null })).toBe('model  3 MB')
    expect(barText({ label: 'testing', received: null, total: null })).toBe('testing')
  })

  it('counts rows as they are', () => {
    expect(barText({ label: 'news', received: 3, total: 12, unit: 'rows' })).toBe(
      'news  [######------------------]  25 %  3 of 12 rows',
    )
  })

  it('says each step once where there is no terminal', () => {
    const { terminal, said } = recording()
    const view = progressView(terminal, 'lines')
    view.show({ label: 'downloading', received: 1, total: 3 })
    view.show({ label: 'downloading', received: 2, total: 3 })
    view.show({ label: 'verifying', received: null, total: null })
    view.end()
    expect(said).toEqual(['downloading', 'verifying'])
  })
})
