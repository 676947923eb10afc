/** What is taken out of the package after compiling: declarations that no entry leads to. */
import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { afterEach, describe, expect, it } from 'vitest'
import { pruneDeclarations } from '../scripts/slim.mjs'

const MANIFEST = { exports: { '.': { types: './dist/index.d.ts' }, './package.json': './package.json' } }
let folder = ''

function packageOf(files: Readonly<Record<string, string>>): string {
  folder = mkdtempSync(join(tmpdir(), 'spillway-slim-'))
  for (const [path, text] of Object.entries(files)) {
    mkdirSync(dirname(join(folder, path)), { recursive: true })
    writeFileSync(join(folder, path), text)
  }
  return folder
}

const left = (): readonly string[] =>
  readdirSync(join(folder, 'dist'), { recursive: true, encoding: 'utf8' })
    .filter((path) => path.includes('.'))
    .sort()

afterEach(() => rmSync(folder, { recursive: true, force: true }))

describe('declarations of the package', () => {
  it('stay when an entry leads to them, in whatever way a type is imported', () => {
    const root = packageOf({
      'dist/index.d.ts':
        "export { a } from './deep/a.ts'\nexport declare const b: import('./b.ts').B\nimport './c.js'\n",
      'dist/deep/a.d.ts': "import type { D } from '../d.ts'\nexport declare const a: D\n",
      'dist/b.d.ts': 'export type B = 1\n',
      'dist/c.d.ts': 'export {}\n',
      'dist/d.d.ts': "import type { z } from 'zod'\nexport type D = z.ZodType\n",
      'dist/inner.d.ts': 'export {}\n',
      'dist/inner.js': 'export {}\n',
    })
    expect(pruneDeclarations(root, MANIFEST)).toEqual({ kept: 5, removed: 1 })
    expect(left()).toEqual(['b.d.ts', 'c.d.ts', 'd.d.ts', 'deep/a.d.ts', 'index.d.ts', 'inner.js'])
  })

  it('are not pruned when one is missing: the types would be broken', () => {
    const root = packageOf({ 'dist/index.d.ts': "export { a } from './gone.ts'\n" })
    expect(() => pruneDeclarations(root, MANIFEST)).toThrow(/gone/)
  })
})
