import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { inventory } from '../../src/cli/own-files.ts'

const SRC = resolve(import.meta.dirname, '../../src')
let folder = ''
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'spillway-own-'))
})
afterEach(() => rmSync(folder, { recursive: true, force: true }))

/** Every name that the code puts into one of its directories. */
function namesWritten(directory: 'stateDir' | 'dataDir' | 'cacheDir'): readonly string[] {
  const pattern = new RegExp(`\\bjoin\\([^()']*(?:\\([^()]*\\))?[^()']*\\b${directory}, '([^']+)'`, 'g')
  const files = readdirSync(SRC, { recursive: true, encoding: 'utf8' }).filter((file) => file.endsWith('.ts'))
  return [
    ...new Set(
      files.flatMap((file) =>
        [...readFileSync(join(SRC, file), 'utf8').matchAll(pattern)].map(([, name = '']) => name),
      ),
    ),
  ]
}

describe('what Spillway wrote', () => {
  it.each(['stateDir', 'dataDir', 'cacheDir'] as const)('is known, whatever the code puts into %s', (directory) => {
    const names = namesWritten(directory).filter((name) => !name.endsWith('.lock'))
    expect(names.length).toBeGreaterThan(1)
    const paths = {
      configDir: join(folder, 'config'),
      dataDir: join(folder, 'data'),
      cacheDir: join(folder, 'cache'),
      stateDir: join(folder, 'state'),
    }
    mkdirSync(paths[directory])
    for (const name of names) writeFileSync(join(paths[directory], name), '')
    expect(inventory(paths).left).toEqual([])
  })
})
