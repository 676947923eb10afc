/**
 * How well the shipped hard stops tell real stops from look-alikes, as JSON on stdout.
 * Usage: node bench/hard-stops.ts [--data DIR] (default: ../shared/data beside the repository)
 */
import { existsSync, readFileSync } from 'node:fs'
import path from 'node:path'
import { parseArgs } from 'node:util'
import { extractFields } from '../src/classify/fields.ts'
import { findHardStops, type TextField } from '../src/classify/hard-stops.ts'
import type { HardStopHit } from '../src/spec/decision.ts'
import { type Policy, policySchema } from '../src/spec/policy.ts'
import type { Message } from '../src/spec/request.ts'

interface LogRow {
  readonly id: string
  readonly toolchain: string
  readonly text: string
  readonly hardStop: string | null
  readonly lookAlike: boolean
}

interface WireMessage {
  readonly role: Message['role']
  readonly content: string | readonly { readonly type: string; readonly text?: string }[]
}

interface RequestRow {
  readonly id: string
  readonly app: string
  readonly body: { readonly system?: WireMessage['content']; readonly messages: readonly WireMessage[] }
  readonly gold?: { readonly hardStop?: string | null; readonly lookAlike?: boolean }
}

const { values } = parseArgs({
  options: {
    data: { type: 'string', default: path.join(import.meta.dirname, '../../shared/data') },
    verbose: { type: 'boolean', default: false },
  },
})
const { hardStops }: Policy = policySchema.parse({})

if (existsSync(path.join(values.data, 'traffic/logs.jsonl'))) {
  const startedMs = performance.now()
  const figures = {
    logs: logFigures(),
    requests: requestFigures(),
    prose: ['agnews', 'sst2', 'squad'].map(proseFigures),
    evasion: evasionFigures(),
  }
  console.log(JSON.stringify({ ...figures, elapsedMs: Math.round(performance.now() - startedMs) }, null, 2))
} else {
  console.error(`No data in ${values.data}: traffic/logs.jsonl is missing. Name the folder with --data DIR.`)
  process.exitCode = 2
}

function rowsOf<Row>(file: string): readonly Row[] {
  const lines = readFileSync(path.join(values.data, file), 'utf8').split('\n')
  return lines.filter((line) => line !== '').map((line) => JSON.parse(line) as Row)
}

function find(fields: readonly TextField[]): readonly HardStopHit[] {
  return findHardStops(fields, hardStops)
}

function told(id: string, hits: readonly HardStopHit[]): string {
  return `${id}: ${hits.map((hit) => `${hit.kind}/${hit.term}@${hit.field}`).join(', ')}`
}

function logFigures(): object {
  const rows = rowsOf<LogRow>('traffic/logs.jsonl').map((row) => ({
    row,
    hits: find([{ field: 'messages[0].content', text: row.text }]),
  }))
  const genuine = rows.filter(({ row }) => row.hardStop !== null)
  const benign = rows.filter(({ row }) => row.hardStop === null)
  const falseStops = benign.filter(({ hits }) => hits.length > 0)
  return {
    genuine: genuine.length,
    missed: genuine.filter(({ hits }) => hits.length === 0).map(({ row }) => row.id),
    goldKindFound: genuine.filter(({ row, hits }) => hits.some((hit) => hit.kind === row.hardStop)).length,
    goldKindFirst: genuine.filter(({ row, hits }) => hits[0]?.kind === row.hardStop).length,
    otherKindFirst: genuine
      .filter(({ row, hits }) => hits[0]?.kind !== row.hardStop)
      .map(({ row, hits }) => told(`${row.id} ${row.hardStop}`, hits)),
    benign: benign.length,
    falseStops: falseStops.length,
    falseStopRate: falseStops.length / benign.length,
    falseStopRows: falseStops.map(({ row, hits }) => told(row.id, hits)),
  }
}

function requestFigures(): object {
  const rows = rowsOf<RequestRow>('traffic/requests.jsonl').map((row) => ({
    row,
    hits: find(extractFields(requestOf(row))),
  }))
  const genuine = rows.filter(({ row }) => row.gold?.hardStop)
  const lookAlikes = rows.filter(({ row }) => row.gold?.lookAlike)
  const other = rows.filter(({ row }) => !row.gold?.hardStop)
  const falseStops = other.filter(({ hits }) => hits.length > 0)
  return {
    genuine: genuine.length,
    missed: genuine.filter(({ hits }) => hits.length === 0).map(({ row }) => row.id),
    goldKindFirst: genuine.filter(({ row, hits }) => hits[0]?.kind === row.gold?.hardStop).length,
    lookAlikes: lookAlikes.length,
    lookAlikesStopped: lookAlikes.filter(({ hits }) => hits.length > 0).length,
    benign: other.length,
    falseStops: falseStops.length,
    falseStopRows: falseStops.map(({ row, hits }) => told(`${row.id} ${row.app}`, hits)),
  }
}

function requestOf({ body }: RequestRow): { readonly messages: readonly Message[] } {
  const system = body.system === undefined ? [] : [{ role: 'system' as const, content: plain(body.system) }]
  return { messages: [...system, ...body.messages.map(({ role, content }) => ({ role, content: plain(content) }))] }
}

function plain(content: WireMessage['content']): string {
  return typeof content === 'string' ? content : content.map((part) => part.text ?? '').join('\n')
}

function proseFigures(task: string): object {
  const rows = rowsOf<{ readonly id: string; readonly input: string; readonly context?: string }>(
    `tasks/${task}.jsonl`,
  ).slice(0, 100)
  const stopped = rows
    .map((row) => ({ row, hits: find([{ field: 'messages[0].content', text: `${row.context ?? ''}\n${row.input}` }]) }))
    .filter(({ hits }) => hits.length > 0)
  return {
    task,
    rows: rows.length,
    falseStops: stopped.length,
    falseStopRows: stopped.map(({ row, hits }) => told(row.id, hits)),
  }
}

function evasionFigures(): object {
  const rows = rowsOf<{
    readonly id: string
    readonly cls: string
    readonly attack: string
    readonly clean: string
    readonly text: string
  }>('adversarial/route_attacks_dev.jsonl').filter((row) => row.cls === 'hard_stop_evasion')
  const stopped = (text: string): boolean => find([{ field: 'messages[0].content', text }]).length > 0
  return {
    rows: rows.length,
    cleanMissed: [...new Set(rows.filter((row) => !stopped(row.clean)).map((row) => row.clean))],
    evaded: rows.filter((row) => !stopped(row.text)).map((row) => `${row.id} ${row.attack}`),
  }
}
