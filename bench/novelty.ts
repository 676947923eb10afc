/**
 * `npm run bench:novelty -- [--json] [--data DIR]`: how often a novel stop stops what is ordinary, and how often what the history has
 * never had, as JSON. A class is taken out of the history; texts of it are the novel ones. Conflict is not scored: it needs answers.
 */
import { existsSync, readFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { parseArgs } from 'node:util'
import { fitNovelty } from '../src/learn/novelty.ts'
import { randomFrom } from '../src/learn/random.ts'
import { percents, wilson } from './tasks/metrics.ts'

const { values } = parseArgs({
  options: {
    data: { type: 'string', default: resolve(import.meta.dirname, '../../shared/data') },
    json: { type: 'boolean' },
  },
})
const RATE = 0.05
const SEEDS = 5

interface Text {
  readonly text: string
  readonly group: string
}

const report = [
  ...heldOut(
    'build logs, one label left out',
    logs((row) => row.label ?? ''),
  ),
  ...heldOut(
    'build logs, one tool chain left out',
    logs((row) => row.toolchain ?? ''),
  ),
  ...heldOut(
    'news, one topic left out',
    task('agnews', (row) => row.answers?.[0] ?? ''),
  ),
  ...heldOut(
    'four tasks, one left out',
    ['sst2', 'gsm8k', 'boolq', 'units'].flatMap((name) => task(name, () => name).slice(0, 150)),
  ),
]
process.stdout.write(`${JSON.stringify({ maxFalseStopRate: RATE, splits: SEEDS, report }, null, 2)}\n`)

interface Row {
  readonly text?: string
  readonly input?: string
  readonly label?: string
  readonly toolchain?: string
  readonly answers?: readonly string[]
}

function rows(file: string): readonly Row[] {
  const path = join(values.data, file)
  if (!existsSync(path)) return []
  return readFileSync(path, 'utf8')
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as Row)
}

function logs(groupOf: (row: Row) => string): readonly Text[] {
  return rows('traffic/logs.jsonl').map((row) => ({ text: row.text ?? '', group: groupOf(row) }))
}

function task(name: string, groupOf: (row: Row) => string): readonly Text[] {
  return rows(`tasks/${name}.jsonl`).map((row) => ({ text: row.input ?? '', group: groupOf(row) }))
}

/** Two thirds of the other classes are the history, the rest of them are ordinary traffic. */
function heldOut(data: string, texts: readonly Text[]) {
  if (texts.length === 0) return [{ data, reason: `there is no data in ${values.data}` }]
  const total = { ordinary: 0, falseStops: 0, novel: 0, found: 0 }
  const byClass: Record<string, string> = {}
  for (const group of [...new Set(texts.map((one) => one.group))].toSorted()) {
    const own = { novel: 0, found: 0 }
    for (let seed = 1; seed <= SEEDS; seed++) {
      const others = shuffled(
        texts.filter((one) => one.group !== group),
        seed,
      )
      const cut = Math.floor((others.length * 2) / 3)
      const novelty = fitNovelty(others.slice(0, cut).map(({ text }) => ({ text, label: null })))
      // Without answers, as here, the whole rate is for what is unlike.
      const stops = ({ text }: Text): boolean => novelty.judge(text).unlike <= RATE
      const novel = texts.filter((one) => one.group === group)
      own.novel += novel.length
      own.found += novel.filter(stops).length
      total.ordinary += others.length - cut
      total.falseStops += others.slice(cut).filter(stops).length
    }
    total.novel += own.novel
    total.found += own.found
    byClass[group] = `${own.found} of ${own.novel}`
  }
  return [
    {
      data,
      falseStopRate: round(total.falseStops / total.ordinary),
      falseStopInterval: percents(wilson(Math.round(total.falseStops / SEEDS), Math.round(total.ordinary / SEEDS))),
      ordinary: total.ordinary,
      detection: round(total.found / total.novel),
      detectionInterval: percents(wilson(Math.round(total.found / SEEDS), Math.round(total.novel / SEEDS))),
      byClass,
    },
  ]
}

function shuffled(texts: readonly Text[], seed: number): readonly Text[] {
  const random = randomFrom(seed)
  return texts
    .map((text) => ({ text, key: random() }))
    .toSorted((a, b) => a.key - b.key)
    .map(({ text }) => text)
}

function round(share: number): number {
  return Math.round(share * 1000) / 1000
}
