/** Figures of a run: medians over interleaved rounds, with the smallest and the largest beside them. */
import type { LoadReport } from './load.ts'

export interface Cell extends LoadReport {
  /** CPU seconds of the measured process, its background work after the last answer included. */
  readonly cpuS: number
  /** Share of a core that the measured process had while requests came; near 1 it was the limit. */
  readonly busyShare: number
  readonly loadBusyShare: number
}

interface Cells {
  readonly json: Cell
  readonly stream: Cell
  /** As `json`, with a secret in the text. */
  readonly masked: Cell
  readonly pacedJson: Cell
  readonly pacedStream: Cell
}

export interface Round {
  readonly passthrough: Cells
  readonly gateway: Cells
}

export interface Measured {
  readonly rounds: readonly Round[]
  readonly coldStarts: readonly number[]
  readonly rssMiB: { readonly rest: number; readonly streams: number }
}

interface Spread {
  readonly median: number
  readonly min: number
  readonly max: number
}

type Kind = 'json' | 'stream' | 'masked'

export type Report = ReturnType<typeof reportOf>

export function reportOf({ rounds, coldStarts, rssMiB }: Measured) {
  const all = rounds.flatMap(({ passthrough, gateway }) => [passthrough, gateway].flatMap((one) => Object.values(one)))
  return {
    json: figuresOf(rounds, 'json'),
    stream: figuresOf(rounds, 'stream'),
    masked: figuresOf(rounds, 'masked'),
    coldStartMs: spreadOf(coldStarts).median,
    rssMiB: { rest: rounded(rssMiB.rest), with500Streams: rounded(rssMiB.streams) },
    peers: {},
    passthrough: Object.fromEntries(
      (['json', 'stream'] as const).map((kind) => {
        const own = rounds.map(({ passthrough }) => passthrough[kind])
        return [kind, { requestsPerSecond: spreadOf(own.map(perSecond)), cpuSecondsPer1k: spreadOf(own.map(cpuPer1k)) }]
      }),
    ),
    bad: all.reduce((sum, cell) => sum + cell.bad, 0),
    coldStartsMs: spreadOf(coldStarts),
  }
}

/** Plain keys hold medians; `spread` has the same keys with the smallest and the largest round. */
function figuresOf(rounds: readonly Round[], kind: Kind) {
  const paced = kind === 'stream' ? 'pacedStream' : 'pacedJson'
  const each = (of: (round: Round) => number): Spread => spreadOf(rounds.map(of))
  const ratio = (of: (cell: Cell) => number) => (round: Round) => of(round.gateway[kind]) / of(round.passthrough[kind])
  const added = (key: 'p50Ms' | 'p99Ms') => (round: Round) => round.gateway[paced][key] - round.passthrough[paced][key]
  const spread = {
    requestsPerSecond: each((round) => perSecond(round.gateway[kind])),
    ratioToPassthrough: each(ratio(perSecond)),
    cpuRatioToPassthrough: each(ratio(cpuPer1k)),
    addedMsP50: each(added('p50Ms')),
    addedMsP99: each(added('p99Ms')),
    cpuSecondsPer1k: each((round) => cpuPer1k(round.gateway[kind])),
    /** Shares of a core: where the first is far below 1, or the second near it, requests per second say little. */
    serverBusyShare: each((round) => round.gateway[kind].busyShare),
    passthroughBusyShare: each((round) => round.passthrough[kind].busyShare),
    loadBusyShare: each((round) => round.passthrough[kind].loadBusyShare),
  }
  const medians = Object.fromEntries(Object.entries(spread).map(([key, { median }]) => [key, median]))
  return { ...(medians as { readonly [key in keyof typeof spread]: number }), spread }
}

function perSecond({ requests, seconds }: Cell): number {
  return requests / seconds
}

function cpuPer1k({ cpuS, requests }: Cell): number {
  return (1000 * cpuS) / requests
}

function spreadOf(values: readonly number[]): Spread {
  const sorted = values.toSorted((a, b) => a - b)
  const at = (share: number): number => rounded(sorted[Math.round(share * (sorted.length - 1))] ?? 0)
  return { median: at(0.5), min: at(0), max: at(1) }
}

function rounded(value: number): number {
  return Number(value.toPrecision(4))
}

/** What README promises of the CPU a request costs, in times of the bare proxy. */
const MOST_CPU = { json: 15, stream: 10 } as const

/** The bound holds when at least one round of the run was within it: a busy neighbour makes rounds dearer, never cheaper. */
export function checked(report: Report, say: (line: string) => void): boolean {
  return (['json', 'stream'] as const)
    .map((kind) => {
      const { min, median, max } = report[kind].spread.cpuRatioToPassthrough
      const holds = min <= MOST_CPU[kind]
      say(
        `${holds ? 'holds' : 'broken'}: ${kind} takes ${median} times the CPU of a bare proxy (${min} to ${max}), promised ${MOST_CPU[kind]}\n`,
      )
      return holds
    })
    .every(Boolean)
}
