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
    expect(barText({ label: 'model', receivedBytes: 49_000_000, totalBytes: 98_000_000 })).toBe(
      'model  [############------------]  50 %  49 of 98 MB',
    )
  })

  it('shows what came so far when the size is unknown, and only the label when nothing is known', () => {
    expect(barText({ label: 'model', receivedBytes: 3_000_000, totalBytes: null })).toBe('model  3 MB')
    expect(barText({ label: 'testing', receivedBytes: null, totalBytes: null })).toBe('testing')
  })

  it('says each step once where there is no terminal', () => {
    const { terminal, said } = recording()
    const view = progressView(terminal, 'lines')
    view.show({ label: 'downloading', receivedBytes: 1, totalBytes: 3 })
    view.show({ label: 'downloading', receivedBytes: 2, totalBytes: 3 })
    view.show({ label: 'verifying', receivedBytes: null, totalBytes: null })
    view.end()
    expect(said).toEqual(['downloading', 'verifying'])
  })
})
