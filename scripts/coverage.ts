/**
 * `npm run coverage -- [--json]`: which branches of the code that guards money, audit, egress and hard stops are taken by its tests.
 * Exit code 1 when less than 98 % of a group are. Takes a minute or two.
 */
import { spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, relative, resolve } from 'node:path'
import { parseArgs } from 'node:util'

/** Percent of the branches of each group. */
const FLOOR = 98

const GUARDS: Readonly<Record<string, readonly string[]>> = {
  money: [
    'src/stores/budgets.ts',
    'src/stores/budget-file.ts',
    'src/stores/budget-leases.ts',
    'src/stores/reconcile-budgets.ts',
    'src/pipeline/spend.ts',
    'src/eval/costs.ts',
    'src/eval/booked.ts',
    'src/models/prices.ts',
    'src/route/budget.ts',
    'src/route/rules/budget.ts',
  ],
  audit: [
    'src/stores/audit-chain.ts',
    'src/stores/audit-log.ts',
    'src/stores/journal.ts',
    'src/stores/journal-files.ts',
    'src/stores/journal-format.ts',
    'src/stores/journal-mover.ts',
    'src/stores/merge-entry.ts',
    'src/stores/sqlite.ts',
    'src/stores/transaction.ts',
  ],
  egress: [
    'src/pipeline/egress.ts',
    'src/pipeline/run.ts',
    'src/classify/partition.ts',
    'src/spec/destination.ts',
    'src/route/rules/partition.ts',
    'src/stores/kill-switch.ts',
    'src/route/rules/kill-switch.ts',
  ],
  hardStops: [
    'src/classify/hard-stops.ts',
    'src/classify/terms.ts',
    'src/classify/normalise.ts',
    'src/classify/readings.ts',
    'src/classify/fields.ts',
    'src/route/rules/hard-stop.ts',
    'src/gates/answer-hard-stop.ts',
    'src/gates/safety-class.ts',
    'src/gates/stop-check.ts',
    'src/learn/harmless.ts',
    'src/pipeline/harmless-scores.ts',
    'src/pipeline/stop-check.ts',
  ],
}

/** Cannot be counted in this way: it runs in a thread of its own. Its work is that of journal-mover.ts, which is counted. */
const UNCOUNTED: readonly string[] = ['src/stores/mover-worker.ts']

/** The tests of these guards that run in one process. */
const TESTS: readonly string[] = [
  ...[
    'test/stores',
    'test/pipeline',
    'test/classify',
    'test/gates',
    'test/route',
    'test/spec',
    'test/samples.test.ts',
    'test/learn/harmless.test.ts',
    'test/integrations/plugins.test.ts',
  ],
  ...['masking', 'direct', 'door'].map((name) => `test/gateway/anthropic/${name}.test.ts`),
  ...['chat-fields', 'responses', 'availability', 'life', 'ceilings', 'held', 'local-only-fields'].map(
    (name) => `test/gateway/${name}.test.ts`,
  ),
  ...['test/eval/costs.test.ts', 'test/eval/booked.test.ts', 'test/models/prices.test.ts'],
]

interface FileCoverage {
  readonly path: string
  readonly branchMap: Readonly<
    Record<
      string,
      {
        readonly loc: { readonly start: { readonly line: number } }
        readonly locations: readonly { readonly start: { readonly line?: number } }[]
      }
    >
  >
  readonly b: Readonly<Record<string, readonly number[]>>
}

const { values } = parseArgs({ options: { json: { type: 'boolean' } } })
const ROOT = resolve(import.meta.dirname, '..')
const found = run()
const groups = Object.entries(GUARDS).map(([name, paths]) => {
  const files = paths.map(fileLine)
  return { name, percent: percentOf(files), files }
})
const report = { floor: FLOOR, percent: percentOf(groups.flatMap(({ files }) => files)), groups, uncounted: UNCOUNTED }
if (values.json) process.stdout.write(`${JSON.stringify(report, null, 2)}\n`)
else for (const group of groups) process.stdout.write(text(group))
if (!values.json) process.stdout.write(`all ${report.percent} % of the branches, floor of each ${FLOOR} %\n`)
process.exitCode = groups.every(({ percent }) => percent >= FLOOR) ? 0 : 1

interface Line {
  readonly file: string
  readonly taken: number
  readonly branches: number
  /** Lines at which a branch begins that no test takes. */
  readonly open: readonly number[]
}

function fileLine(file: string): Line {
  const coverage = found.find(({ path }) => relative(ROOT, path) === file)
  if (!coverage) throw new Error(`${file} is not in the report: does it still exist?`)
  const branches = Object.entries(coverage.branchMap).flatMap(([id, { loc, locations }]) =>
    locations.map(({ start }, index) => ({ line: start.line ?? loc.start.line, count: coverage.b[id]?.[index] ?? 0 })),
  )
  const open = branches.filter(({ count }) => count === 0).map(({ line }) => line)
  return { file, taken: branches.length - open.length, branches: branches.length, open }
}

function percentOf(lines: readonly Line[]): number {
  const [taken, branches] = [sum(lines.map((one) => one.taken)), sum(lines.map((one) => one.branches))]
  return branches === 0 ? 100 : Math.floor((taken / branches) * 1e4) / 100
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, one) => total + one, 0)
}

function text({ name, percent, files }: (typeof groups)[number]): string {
  const lines = files.map(
    ({ file, taken, branches, open }) =>
      `  ${file}: ${taken} of ${branches}${open.length > 0 ? `, not taken at ${open.join(', ')}` : ''}\n`,
  )
  return `${name} ${percent} %\n${lines.join('')}`
}

function run(): readonly FileCoverage[] {
  const folder = mkdtempSync(join(tmpdir(), 'spillway-coverage-'))
  try {
    const vitest = join(ROOT, 'node_modules/vitest/vitest.mjs')
    const files = Object.values(GUARDS).flat()
    const flags = [
      ...[
        '--project',
        'unit',
        '--project',
        'system',
        '--coverage.enabled',
        '--coverage.provider=v8',
        '--coverage.reporter=json',
      ],
      ...[`--coverage.reportsDirectory=${folder}`, ...files.map((file) => `--coverage.include=${file}`)],
    ]
    const { status } = spawnSync(process.execPath, [vitest, 'run', ...flags, ...TESTS], {
      cwd: ROOT,
      stdio: ['ignore', values.json ? 'ignore' : 2, 'inherit'],
    })
    if (status !== 0) {
      process.stderr.write('A test failed, so its coverage says nothing.\n')
      process.exit(1)
    }
    return Object.values(JSON.parse(readFileSync(join(folder, 'coverage-final.json'), 'utf8')))
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}
