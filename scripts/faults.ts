/**
 * `npm run test:faults -- [--json] [--long]`: runs the tests that carry the number of a fault, F01 to F66, in their title,
 * and says which faults are survived. A fault without a test that ran is not. Exit code 1 unless all are survived.
 */
import { globSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { type RanTest, ROOT, ranTests } from './ran-tests.ts'

interface Survived {
  readonly pass: boolean
  /** What ran, and what it measured. */
  readonly note: string
}

const IDS = Array.from({ length: 66 }, (_, index) => `F${String(index + 1).padStart(2, '0')}`)
const NUMBERED = '\\bF(?:0[1-9]|[1-5]\\d|6[0-6])\\b'

const { values } = parseArgs({ options: { json: { type: 'boolean' }, long: { type: 'boolean' } } })
const startedMs = performance.now()
const ran = numbered()
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
    ...own.flatMap(({ figure }) => figure ?? []),
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

/** Every test whose title has a number. */
function numbered(): readonly RanTest[] {
  const files = globSync('test/**/*.test.ts', { cwd: ROOT })
    .filter((file) => values.long || !file.startsWith(join('test', 'long')))
    .filter((file) => new RegExp(NUMBERED).test(readFileSync(join(ROOT, file), 'utf8')))
  return ranTests(files, ['-t', NUMBERED]).filter(({ name }) => new RegExp(NUMBERED).test(name))
}
