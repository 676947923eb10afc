/** What docs/reference/api.md is made from: every name that a program can use, with its signature. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { afterEach, describe, expect, it } from 'vitest'
import { apiSurface, type Surface } from '../scripts/package/api-surface.ts'

let folder = ''

function surfaceOf(files: Readonly<Record<string, string>>): Surface {
  folder = mkdtempSync(join(tmpdir(), 'spillway-surface-'))
  const exports = { '.': { types: './dist/index.d.ts' }, './package.json': './package.json' }
  for (const [path, text] of Object.entries({ 'package.json': JSON.stringify({ exports }), ...files })) {
    mkdirSync(dirname(join(folder, path)), { recursive: true })
    writeFileSync(join(folder, path), text)
  }
  return apiSurface(folder)
}

afterEach(() => rmSync(folder, { recursive: true, force: true }))

describe('the surface of the package', () => {
  it('holds every export with its signature, however it gets to the entry', () => {
    const { entries } = surfaceOf({
      'dist/index.d.ts':
        "export { a as renamed, type B } from './inner.ts'\nexport declare function own(x: 1): void\nexport declare function own(x: 2): void\n",
      'dist/inner.d.ts':
        "export { a } from './deep/a.ts'\nexport type B = 'one' | 'two'\nexport declare const hidden: 1\n",
      'dist/deep/a.d.ts': 'export declare const a: number\n',
    })
    expect(entries).toEqual({
      '.': {
        B: "type B = 'one' | 'two'",
        own: 'function own(x: 1): void\nfunction own(x: 2): void',
        renamed: 'const a: number',
      },
    })
  })

  it('holds the types that the exports name, step by step, and not those of other packages', () => {
    const { named } = surfaceOf({
      'dist/index.d.ts':
        "import type { C as Local } from './c.ts'\nimport type { z } from 'zod'\nexport declare function f(c: Local, z: z.ZodType): Own\ninterface Own { d: 1 }\n",
      'dist/c.d.ts':
        "import type { D } from './d.ts'\nexport interface C { d: D }\nexport interface Unnamed { e: 1 }\n",
      'dist/d.d.ts': 'export type D = 1\n',
    })
    expect(named).toEqual(['interface C { d: D }', 'type D = 1', 'interface Own { d: 1 }'])
  })

  it('is the same whatever the comments say', () => {
    const { entries } = surfaceOf({
      'dist/index.d.ts': '/** Before. */\nexport interface A {\n\t/** Inside. */\n\tb: 1 // After.\n}\n',
    })
    expect(entries).toEqual({ '.': { A: 'interface A {\n\tb: 1\n}' } })
  })

  it('refuses a name that nothing declares', () => {
    expect(() =>
      surfaceOf({ 'dist/index.d.ts': "export { gone } from './a.ts'\n", 'dist/a.d.ts': 'export {}\n' }),
    ).toThrow(/gone/)
  })
})
