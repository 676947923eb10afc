import { execFile } from 'node:child_process'
import { resolve } from 'node:path'
import { promisify } from 'node:util'
import { describe, expect, it } from 'vitest'
import { loadNounPhrases } from '../../src/decide/noun-phrases.ts'

describe('noun phrases', () => {
  it('are found in English text, without articles before and marks after them', async () => {
    const find = await loadNounPhrases()
    const text = 'He paid for the whole building with a small government loan.'
    expect(find?.(text).map(({ start, end }) => text.slice(start, end))).toEqual([
      'He',
      'whole building',
      'small government loan',
    ])
    expect(find?.('')).toEqual([])
  })

  it('are none to be had where the package is not installed', async () => {
    const hook = resolve(import.meta.dirname, '../support/without-peers.mjs')
    const module = resolve(import.meta.dirname, '../../src/decide/noun-phrases.ts')
    const code = `import(${JSON.stringify(module)}).then((it) => it.loadNounPhrases()).then((found) => console.log(found))`
    const { stdout } = await promisify(execFile)(process.execPath, ['--import', hook, '-e', code])
    expect(stdout.trim()).toBe('null')
  })
})
