import { existsSync, readFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { describe, expect, it } from 'vitest'
import { REQUIREMENTS } from './requirements.ts'

const ROOT = resolve(import.meta.dirname, '..')

describe('every promised behaviour', () => {
  it.each(REQUIREMENTS)('$behaviour: is promised on a page and cited by tests that exist', ({ source, citedBy }) => {
    expect(existsSync(join(ROOT, source))).toBe(true)
    expect(citedBy.length).toBeGreaterThan(0)
    const missing = citedBy.filter(({ file, title }) => !readFileSync(join(ROOT, file), 'utf8').includes(title))
    expect(missing).toEqual([])
  })
})
