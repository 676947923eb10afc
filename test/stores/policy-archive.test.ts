import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, utimesSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { LoadedPolicy } from '../../src/spec/policy.ts'
import { keepPolicy, readPolicy } from '../../src/stores/policy-archive.ts'
import { validatePolicy } from '../../src/stores/policy-file.ts'

let stateDir = ''
beforeEach(() => {
  stateDir = mkdtempSync(join(tmpdir(), 'spillway-policies-'))
})
afterEach(() => rmSync(stateDir, { recursive: true, force: true }))

const BIG = { provider: 'openai', model: 'gpt-4.1-nano', tier: 'frontier', apiKey: '${env:KEY}' } as const
const loaded = (maxInputChars: number): LoadedPolicy =>
  validatePolicy(
    { models: { big: BIG }, tasks: { chat: { maxInputChars } } },
    { file: 'sample.yaml', env: { KEY: 'sk-not-to-be-kept' } },
  )
const files = (): readonly string[] =>
  readdirSync(join(stateDir, 'policies')).map((name) => join(stateDir, 'policies', name))

describe('the policies that were in force', () => {
  it('are found by the digest of their records, each kept once', () => {
    for (const chars of [10, 20, 10]) keepPolicy(stateDir, loaded(chars))
    expect(files()).toHaveLength(2)
    expect(readPolicy(stateDir, loaded(20).digest)?.policy.tasks.chat?.maxInputChars).toBe(20)
    expect(readPolicy(stateDir, 'sha256:other')).toBeNull()
  })

  it('are for their owner alone and hold references in place of keys', () => {
    keepPolicy(stateDir, loaded(10))
    const [file = ''] = files()
    expect(statSync(file).mode & 0o777).toBe(0o600)
    expect(readFileSync(file, 'utf8')).toContain('${env:KEY}')
    expect(readFileSync(file, 'utf8')).not.toContain('sk-not-to-be-kept')
  })

  it('are the latest 200', () => {
    keepPolicy(stateDir, loaded(10))
    const [first = ''] = files()
    for (let at = 0; at < 200; at++) writeFileSync(join(stateDir, 'policies', `sha256-${at}.json`), '{}')
    utimesSync(first, 1, 1)
    keepPolicy(stateDir, loaded(20))
    expect(files()).toHaveLength(200)
    expect(readPolicy(stateDir, loaded(10).digest)).toBeNull()
    expect(readPolicy(stateDir, loaded(20).digest)).not.toBeNull()
  })

  it('stop nobody who cannot keep or read them', () => {
    writeFileSync(join(stateDir, 'policies'), 'in the way')
    keepPolicy(stateDir, loaded(10))
    expect(readPolicy(stateDir, loaded(10).digest)).toBeNull()
  })
})
