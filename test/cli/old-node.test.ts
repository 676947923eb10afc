import { spawnSync } from 'node:child_process'
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { stripTypeScriptTypes } from 'node:module'
import { tmpdir } from 'node:os'
import { delimiter, join, resolve } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'

const MAIN = resolve(import.meta.dirname, '../../src/cli/main.ts')

let folder: string
let program: string
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'spillway-old-node-'))
  program = join(folder, 'main.mjs')
  writeFileSync(program, stripTypeScriptTypes(readFileSync(MAIN, 'utf8')))
})
afterAll(() => rmSync(folder, { recursive: true, force: true }))

const SENTENCE =
  /^Spillway needs Node 22\.19 or newer; this is Node (\d+\.\d+\.\d+)\. Install a newer one, or run it with its own: npx -p node@24 -p spillway spillway\.\n$/

function run(node: string, ...args: readonly string[]): { readonly code: number | null; readonly stderr: string } {
  const { status, stderr } = spawnSync(node, [...args], { encoding: 'utf8' })
  return { code: status, stderr }
}

/** The newest Node of this machine that is too old. */
function oldNode(): string | null {
  const found = (process.env.PATH ?? '').split(delimiter).map((one) => join(one, 'node'))
  const isOld = (node: string): boolean => {
    const [major = 0, minor = 0] = spawnSync(node, ['-p', 'process.versions.node'], { encoding: 'utf8' })
      .stdout.split('.')
      .map(Number)
    return major >= 14 && (major < 22 || (major === 22 && minor < 19))
  }
  return found.find((node) => existsSync(node) && isOld(node)) ?? null
}

describe('a Node that is too old', () => {
  it('is told so in one line, and the exit code says that nothing can run', ({ skip }) => {
    const node = oldNode()
    if (node === null) skip('every Node of this machine is new enough')
    const { code, stderr } = run(node ?? '', program, 'ask', 'hello')
    expect(code).toBe(3)
    expect(stderr).toMatch(SENTENCE)
  })

  it('is known by its version alone, before anything else is loaded', () => {
    const pretend = 'data:text/javascript,Object.defineProperty(process.versions,"node",{value:"22.18.0"})'
    const { code, stderr } = run(process.execPath, '--import', pretend, program, 'ask', 'hello')
    expect(code).toBe(3)
    expect(SENTENCE.exec(stderr)?.[1]).toBe('22.18.0')
    const asJson = run(process.execPath, '--import', pretend, program, '--json')
    expect(JSON.parse(asJson.stderr)).toMatchObject({ error: { code: 'node_too_old' } })
  })

  it('is no matter where it is new enough: then a missing file is named', () => {
    const { code, stderr } = run(process.execPath, program)
    expect(code).toBe(1)
    expect(stderr).toMatch(
      /^Spillway cannot start: Cannot find module .*compile-cache.* Install the package again\.\n$/s,
    )
  })
})
