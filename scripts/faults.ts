/**
 * `npm run test:faults -- [--json] [--long]`: runs the tests that carry the number of a fault, F01 to F66, in their title,
 * and says which faults are survived. A fault without a test that ran is not. Exit code 1 unless all are survived.
 */
import { spawnSync } from 'node:child_process'
import { globSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { parseArgs } from 'node:util'

interface Ran {
  readonly name: string
  readonly status: string
  readonly ms: number
}

interface Survived {
  readonly pass: boolean
  /** What ran. */
  readonly note: string
}

const IDS = Array.from({ length: 66 }, (_, index) => `F${String(index + 1).padStart(2, '0')}`)
const NUMBERED = '\\bF(?:0[1-9]|[1-5]\\d|6[0-6])\\b'

const { values } = parseArgs({ options: { json: { type: 'boolean' }, long: { type: 'boolean' } } })
const ROOT = resolve(import.meta.dirname, '..')
const startedMs = performance.now()
const ran = run(filesWithNumbers())
const report = Object.fromEntries(IDS.map((id) => [id, judged(id)]))
process.stdout.write(values.json ? `${JSON.stringify(report, null, 2)}\n` : lines())
const seconds = Math.round((performance.now() - startedMs) / 1000)
const survived = Object.values(report).filter(({ pass }) => pass).length
process.stderr.write(`${survived} of ${IDS.length} faults survived, ${ran.length} tests, ${seconds} s\n`)
process.exitCode = survived === IDS.length ? 0 : 1

function judged(id: string): Survived {
  const own = ran.filter(({ name }) => new RegExp(`\\b${id}\\b`).test(name))
  const passed = own.filter(({ status }) => status === 'passed')
  const failed = own.filter(({ status }) => status === 'failed')
  const skipped = own.filter(({ status }) => status !== 'passed' && status !== 'failed')
  if (own.length === 0) return { pass: false, note: 'no test has this number' }
  const ms = own.reduce((sum, test) => sum + test.ms, 0)
  const notes = [
    `${passed.length} of ${own.length} tests passed in ${(ms / 1000).toFixed(1)} s`,
    ...failed.map(({ name }) => `failed: ${name}`),
    ...skipped.map(({ name }) => `skipped: ${name}`),
  ]
  return { pass: passed.length > 0 && failed.length === 0, note: notes.join('; ') }
}

function lines(): string {
  return Object.entries(report)
    .map(([id, { pass, note }]) => `${pass ? 'survived' : 'NOT     '} ${id} ${note}\n`)
    .join('')
}

function filesWithNumbers(): readonly string[] {
  return globSync('test/**/*.test.ts', { cwd: ROOT })
    .filter((file) => values.long || !file.startsWith(join('test', 'long')))
    .filter((file) => new RegExp(NUMBERED).test(readFileSync(join(ROOT, file), 'utf8')))
}

/** Every test whose title has a number, with how it ended. */
function run(files: readonly string[]): readonly Ran[] {
  const folder = mkdtempSync(join(tmpdir(), 'spillway-faults-'))
  const out = join(folder, 'report.json')
  try {
    const vitest = join(ROOT, 'node_modules/vitest/vitest.mjs')
    const words = ['run', '-t', NUMBERED, '--reporter=json', `--outputFile=${out}`, ...files]
    spawnSync(process.execPath, [vitest, ...words], { cwd: ROOT, stdio: ['ignore', 'ignore', 'inherit'] })
    const { testResults } = JSON.parse(readFileSync(out, 'utf8')) as {
      readonly testResults: readonly {
        readonly assertionResults: readonly {
          readonly fullName: string
          readonly status: string
          readonly duration?: number
        }[]
      }[]
    }
    return testResults
      .flatMap(({ assertionResults }) => assertionResults)
      .filter(({ fullName }) => new RegExp(NUMBERED).test(fullName))
      .map(({ fullName, status, duration = 0 }) => ({ name: fullName, status, ms: duration }))
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}
