/**
 * `npm run eval:privacy -- [--json] [--data DIR]`: how well secrets and personal data are found in a folder of rows, how hard
 * stops hold, and what a look at 64 KB costs, as JSON. Times are medians; `scanRatio` is against lower-casing the text.
 */
import { existsSync, readFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { parseArgs } from 'node:util'
import { findPrivate } from '../src/classify/privacy/find.ts'
import { PRIVATE_KINDS } from '../src/spec/private-kinds.ts'
import { scorePeople } from './privacy/people.ts'
import { type PiiRow, scorePii } from './privacy/pii.ts'
import { type InjectionRow, scoreAttacks, scoreInjections, scoreLogs } from './privacy/routes.ts'
import { scoreSecrets } from './privacy/secrets.ts'

const { values } = parseArgs({
  options: {
    data: { type: 'string', default: resolve(import.meta.dirname, '../../shared/data/adversarial') },
    json: { type: 'boolean' },
  },
})

const report = {
  secrets: scored('secrets', scoreSecrets),
  pii: scored('pii', scorePii),
  people: scored('pii', (rows: readonly PiiRow[]) => scorePeople(rows)),
  peopleUnseenHalf: scored('pii', (rows: readonly PiiRow[]) => scorePeople(rows, 'report')),
  hardStops: scored('logs', scoreLogs),
  routeAttacks: scored('route_attacks', scoreAttacks),
  injections: scored('injection', (rows: readonly InjectionRow[]) => scoreInjections(rows, rowsOf('logs') ?? [])),
  scanMs64k: {
    withoutHit: scanMs(PLAIN()),
    withHit: scanMs(`${PLAIN()} DB_PASSWORD="k9#fQ2!xZ7" call +49 30 1234567 `),
  },
}
process.stdout.write(`${JSON.stringify(report, null, 2)}\n`)

/** `<name>.jsonl`, or `<name>_dev.jsonl` and its like. */
function scored<Row, Score>(name: string, score: (rows: readonly Row[]) => Score): Score | { readonly reason: string } {
  const rows = rowsOf<Row>(name)
  return rows ? score(rows) : { reason: `there is no ${name}_dev.jsonl in ${values.data}` }
}

/** @returns null where there is no such file */
function rowsOf<Row>(name: string): readonly Row[] | null {
  const names = [`${name}.jsonl`, `${name}_dev.jsonl`, `${name}_test.jsonl`]
  // The folder with the rows itself, or the one above it.
  const folders = [values.data, ...['traffic', '../traffic', 'adversarial'].map((folder) => join(values.data, folder))]
  const file = folders.flatMap((folder) => names.map((one) => join(folder, one))).find((one) => existsSync(one))
  if (!file) return null
  const lines = readFileSync(file, 'utf8')
    .split('\n')
    .filter((line) => line !== '')
  return lines.map((line) => JSON.parse(line) as Row)
}

function PLAIN(): string {
  const sentence = 'The meeting was moved to another room because the rain came through the roof, and nobody minded. '
  return sentence.repeat(700).slice(0, 65_536)
}

function scanMs(text: string) {
  const times = (work: () => unknown): number => {
    const all = Array.from({ length: 200 }, () => {
      const started = performance.now()
      work()
      return performance.now() - started
    }).toSorted((a, b) => a - b)
    return Number((all[100] ?? 0).toFixed(3))
  }
  return { median: times(() => findPrivate(text, PRIVATE_KINDS)), lowerCase: times(() => text.toLowerCase()) }
}
