import { readdirSync, readFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { beforeAll, describe, expect, it } from 'vitest'
import { readAdvisories } from '../scripts/supply/advisories.ts'
import { type Bill, billOf, billProblems } from '../scripts/supply/bill.ts'
import { isAllowed, licenceProblems } from '../scripts/supply/licences.ts'
import { installScripts, type LockFile, lockProblems, looseVersions, type Manifest } from '../scripts/supply/lock.ts'
import { contentProblems, pathProblems } from '../scripts/supply/packed.ts'

const ROOT = resolve(import.meta.dirname, '..')
const SRC = join(ROOT, 'src')
const manifest = read('package.json') as Manifest & { readonly name: string; readonly version: string }
const lock = read('package-lock.json') as LockFile
const engine = read('engine/package-lock.json') as LockFile

function read(path: string): unknown {
  return JSON.parse(readFileSync(join(ROOT, path), 'utf8'))
}

const SHA512 = `sha512-${'A'.repeat(86)}==`

describe('what is installed', () => {
  it('is pinned to exact versions, in packages, tools, overrides and the engine', () => {
    expect(looseVersions(manifest)).toEqual([])
    expect(looseVersions(engine.packages[''] ?? {})).toEqual([])
  })

  it.each([
    '^1.2.3',
    '~1.2.3',
    '1.2',
    '1.x',
    '*',
    'latest',
    '>=1.0.0',
    'git+https://example.com/a.git',
    'file:../a',
    'npm:b@^1.2.3',
    'npm:b',
  ])('would be refused as %s', (version) => {
    expect(looseVersions({ dependencies: { a: version } })).toEqual([
      `dependencies a is ${version}, not one exact version`,
    ])
    expect(looseVersions({ overrides: { a: { '.': version } } })).toHaveLength(1)
  })

  it('is in the lock file as package.json says, with an integrity value for everything', () => {
    expect(lockProblems(manifest, lock)).toEqual([])
  })

  it('would be refused when the lock file is behind, or leaves open which bytes are meant', () => {
    const dependencies = { a: '1.0.0' }
    const packages = { '': { dependencies }, 'node_modules/a': { version: '1.0.0', integrity: SHA512 } }
    expect(lockProblems({ dependencies }, { packages })).toEqual([])
    expect(lockProblems({ dependencies: { a: '1.0.1' } }, { packages })).toEqual([
      'the lock file has other dependencies than package.json: run npm install',
    ])
    const loose = { ...packages, 'node_modules/a': { version: '1.0.0', integrity: 'sha1-AAAA' } }
    expect(lockProblems({ dependencies }, { packages: loose })).toEqual([
      'node_modules/a has no integrity value in the lock file',
    ])
  })

  it('runs no program of its own at run time when it is installed', () => {
    expect(installScripts(lock)).toEqual([])
    expect(installScripts({ packages: { '': {}, 'node_modules/a': { hasInstallScript: true } } })).toEqual([
      'node_modules/a',
    ])
  })
})

describe('licences', () => {
  it('are all on the list, here and in the engine', () => {
    expect([...licenceProblems(lock), ...licenceProblems(engine)]).toEqual([])
  })

  it('are refused when unknown, copyleft, or only allowed for tools', () => {
    const of = (license: string | undefined, dev: boolean) =>
      licenceProblems({ packages: { 'node_modules/a': { dev, ...(license !== undefined && { license }) } } }).length
    expect([of('MIT', false), of('MPL-2.0', true), of('MPL-2.0', false)]).toEqual([0, 0, 1])
    expect([of('AGPL-3.0-only', true), of(undefined, false), of('UNLICENSED', true)]).toEqual([1, 1, 1])
  })

  it('may be a choice with an allowed one in it, but all of several', () => {
    const allowed = new Set(['MIT', 'ISC'])
    expect(isAllowed('(GPL-3.0-only OR MIT)', allowed)).toBe(true)
    expect(isAllowed('MIT AND ISC', allowed)).toBe(true)
    expect(isAllowed('MIT AND GPL-3.0-only', allowed)).toBe(false)
    expect(isAllowed('GPL-3.0-only OR (MIT AND ISC)', allowed)).toBe(false)
  })
})

describe('the bill of materials', () => {
  let bill: Bill
  beforeAll(() => {
    bill = billOf(join(ROOT, 'package-lock.json'), manifest)
  })

  it('names every package of the run time with its hash and licence, and nothing else', () => {
    expect(billProblems(bill, lock, manifest)).toEqual([])
    expect(bill.components.map(({ name }) => name)).toContain('undici')
    expect(bill.components.map(({ name }) => name)).not.toContain('vitest')
  })

  it('is refused when it lacks a package, has another one, another hash or another root', () => {
    const [first, ...rest] = bill.components
    if (!first) throw new Error('empty bill')
    const other = { ...first, hashes: [{ alg: 'SHA-512', content: '00' }] }
    const id = `${first.name}@${first.version}`
    expect(billProblems({ ...bill, components: rest }, lock, manifest)).toEqual([`the bill lacks ${id}`])
    expect(billProblems({ ...bill, components: [other, ...rest] }, lock, manifest)).toEqual([
      `the bill has another hash for ${id}`,
    ])
    const extra = { ...first, name: 'left-pad' }
    expect(billProblems({ ...bill, components: [extra, ...bill.components] }, lock, manifest)).toEqual([
      `the bill has left-pad@${first.version}, the lock file has not`,
    ])
    expect(billProblems(bill, lock, { ...manifest, version: '9.9.9' })).toHaveLength(1)
  })
})

describe('known vulnerabilities', () => {
  it('are told when the registry answers', () => {
    const printed = { vulnerabilities: { a: { severity: 'high' } }, metadata: { vulnerabilities: { high: 1 } } }
    expect(readAdvisories(JSON.stringify(printed))).toEqual({ found: ['a: high vulnerability'], note: '1 known' })
  })

  it('are unknown, not absent, when it does not, and its address is not repeated', () => {
    const refused = { message: '405 Method Not Allowed - POST https://registry.example/-/npm/v1/security' }
    expect(readAdvisories(JSON.stringify(refused))).toEqual({
      found: null,
      note: 'not available, the registry in use answers no audit (405 Method Not Allowed)',
    })
    expect(readAdvisories('')).toMatchObject({ found: null })
    expect(readAdvisories('{"metadata":{}}')).toMatchObject({ found: null })
  })
})

describe('the package', () => {
  const needed = ['LICENSE', 'schema.json', 'engine/package-lock.json', 'dist/sbom.json', 'dist/sbom-engine.json']
  const whole = [
    ...needed,
    ...[
      'dist/index.js',
      'dist/cli/main.js',
      'templates/agent.yaml',
      'templates/developer.yaml',
      'templates/roles.yaml',
      'templates/tour.yaml',
    ],
  ]

  it.each([
    'test/a.test.ts',
    'dist/.sources',
    'dist/a.test.js',
    'dist/data/a.js',
    '.env',
    'dist/key.pem',
    'src/index.ts',
    'a.gguf',
  ])('may not hold %s', (path) => {
    expect(pathProblems(whole)).toEqual([])
    expect(pathProblems([...whole, path])).toEqual([`the package holds ${path}`])
  })

  it('may not lack what it needs', () => {
    expect(pathProblems(whole.filter((path) => path !== 'LICENSE'))).toEqual(['the package lacks LICENSE'])
  })

  it('may not name folders of a machine or hold a key, and a key is not repeated', () => {
    expect(contentProblems('a.js', 'log in /home/ci/.npm, key sk-… of the environment', [])).toEqual([])
    expect(contentProblems('a.js', 'at /home/jane/app', [])).toEqual(['a.js names the home folder /home/jane'])
    expect(contentProblems('a.js', 'in /project/here/dist', ['/project/here'])).toEqual([
      'a.js names a folder of this machine',
    ])
    const key = `ghp_${'a1B2'.repeat(9)}`
    expect(contentProblems('a.js', `token ${key}`, [])).toEqual(['a.js holds what looks like a key'])
  })
})

/** Ways to make code of text. Worker threads and imports of a computed name are listed by file below. */
const MAKES_CODE =
  /\beval\s*\(|\bnew Function\b|(?<![.\w])Function\s*\(|node:vm\b|\b(?:setTimeout|setInterval)\(\s*['"`]/
const COMPUTED_IMPORT = /\bimport\((?!\s*')/

describe('code from text', () => {
  const files = readdirSync(SRC, { recursive: true, encoding: 'utf8' }).filter((file) => file.endsWith('.ts'))
  const holding = (pattern: RegExp) =>
    files.filter((file) => pattern.test(withoutComments(readFileSync(join(SRC, file), 'utf8')))).sort()

  it('is made nowhere in the sources', () => {
    expect(holding(MAKES_CODE)).toEqual([])
  })

  it('is imported by a computed name in the two places that load the installed engine alone', () => {
    expect(holding(COMPUTED_IMPORT)).toEqual(['models/embedded/host-main.ts', 'models/embedded/self-test.ts'])
  })

  it('comes from a schema compiler in one file alone', () => {
    expect(holding(/from 'ajv/)).toEqual(['gates/schema.ts'])
  })

  it('would be seen', () => {
    for (const line of [
      'eval(text)',
      'new Function(body)',
      'Function("return 1")',
      "from 'node:vm'",
      'setTimeout("a()")',
    ])
      expect(MAKES_CODE.test(line)).toBe(true)
    expect(COMPUTED_IMPORT.test('await import(name)')).toBe(true)
    expect(COMPUTED_IMPORT.test("await import('../compose.ts')")).toBe(false)
  })
})

function withoutComments(text: string): string {
  return text.replace(/\/\*[\s\S]*?\*\/|(?<!:)\/\/.*$/gm, '')
}
