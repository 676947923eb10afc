import { chmodSync, existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { issueKey } from '../../src/gateway/issued-keys.ts'
import { openKeyRing } from '../../src/gateway/keys.ts'

let folder: string

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'spillway-keys-'))
})
afterEach(() => rmSync(folder, { recursive: true, force: true }))

const keyFile = () => join(folder, 'operator.key')

describe("the operator's key", () => {
  it('is 256 random bits with a prefix, in a file of mode 0600, and the same at the next start', () => {
    const ring = openKeyRing(folder)
    const key = readFileSync(ring.keyFile, 'utf8').trim()
    expect(key).toMatch(/^spw_[\w-]{43}$/)
    expect(statSync(ring.keyFile).mode & 0o777).toBe(0o600)
    expect(openKeyRing(folder).holderOf(key)).toMatchObject({ name: 'operator', isOperator: true })
    expect(readdirSync(folder)).toEqual(['operator.key'])
  })

  it.each(['', '\n', 'spw_cut'])('is made anew when a crash left %j in its file, which opens nothing', (left) => {
    writeFileSync(keyFile(), left)
    const ring = openKeyRing(folder)
    expect(ring.holderOf(left.trim())).toBeNull()
    const key = readFileSync(keyFile(), 'utf8').trim()
    expect(key).toMatch(/^spw_[\w-]{43}$/)
    expect(ring.holderOf(key)).toMatchObject({ name: 'operator', isOperator: true })
    expect(statSync(keyFile()).mode & 0o777).toBe(0o600)
  })

  it('is closed to others when its file was open to them', () => {
    openKeyRing(folder)
    chmodSync(keyFile(), 0o644)
    openKeyRing(folder)
    expect(statSync(keyFile()).mode & 0o777).toBe(0o600)
  })
})

describe('a damaged list of keys', () => {
  it('opens nothing, leaves the operator in, and is told when a key is issued', () => {
    const ring = openKeyRing(folder)
    const issued = issueKey(folder, { name: 'ci' })
    expect(ring.holderOf(issued.key)).toEqual({ id: issued.id, name: 'ci', isOperator: false, grant: {} })
    writeFileSync(join(folder, 'keys.json'), '[{"id":')
    expect(ring.holderOf(issued.key)).toBeNull()
    expect(ring.holderOf(readFileSync(keyFile(), 'utf8').trim())?.isOperator).toBe(true)
    expect(() => issueKey(folder, { name: 'next' })).toThrow(
      'keys.json in the state directory cannot be read as a list of keys.',
    )
    expect(existsSync(join(folder, 'keys.json'))).toBe(true)
    expect(readFileSync(join(folder, 'keys.json'), 'utf8')).toBe('[{"id":')
  })
})
