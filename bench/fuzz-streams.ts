/**
 * `npm run fuzz:streams -- [--rounds 10000] [--seed 1] [--max-block-ms 50]`: broken streams of providers through the adapters, as
 * JSON. Exit code 1 when one ended without a typed error, was called complete without its terminal event, or kept the
 * processor for longer than the limit; each answer is fed without a turn of the event loop, so its processor time is an
 * upper bound of what the loop is blocked, whatever else the machine does.
 */
import { parseArgs } from 'node:util'
import { type FuzzReport, fuzzStreams } from '../test/support/stream-fuzz.ts'

const { values } = parseArgs({
  options: {
    rounds: { type: 'string', default: '10000' },
    seed: { type: 'string', default: '1' },
    'max-block-ms': { type: 'string', default: '50' },
    json: { type: 'boolean' },
  },
})
const rounds = wholeNumber('rounds', values.rounds)
const firstSeed = wholeNumber('seed', values.seed)
const maxBlockMs = wholeNumber('max-block-ms', values['max-block-ms'])

let unhandled = 0
process.on('unhandledRejection', () => {
  unhandled += 1
})
/** So that code is compiled before it is timed. */
const WARM_UP = 200
/** Streams of one seed. */
const BATCH = 1000

await fuzzStreams(WARM_UP, firstSeed)
const times: number[] = []
const reports: FuzzReport[] = []
for (let done = 0, seed = firstSeed; done < rounds; done += BATCH, seed += 1)
  reports.push(await fuzzStreams(Math.min(BATCH, rounds - done), seed, (ms) => times.push(ms)))
await new Promise((resolve) => setImmediate(resolve))

times.sort((a, b) => a - b)
const at = (share: number): number =>
  Number((times[Math.min(times.length - 1, Math.floor(share * times.length))] ?? 0).toFixed(2))
const ends: Record<string, number> = {}
for (const report of reports)
  for (const [end, count] of Object.entries(report.ends)) ends[end] = (ends[end] ?? 0) + count
const problems = reports.flatMap((report) => report.problems)
const blockMs = {
  p50: at(0.5),
  p99: at(0.99),
  max: at(1),
  limit: maxBlockMs,
  over: times.filter((ms) => ms > maxBlockMs).length,
}
process.stdout.write(
  `${JSON.stringify({ rounds, seeds: reports.map(({ seed }) => seed), ends, problems, unhandled, blockMs }, null, 2)}\n`,
)
process.exitCode = problems.length > 0 || unhandled > 0 || blockMs.over > 0 ? 1 : 0

function wholeNumber(name: string, text: string): number {
  const value = Number(text)
  if (Number.isSafeInteger(value) && value > 0) return value
  process.stderr.write(`--${name} takes a whole number above 0, not ${JSON.stringify(text)}.\n`)
  process.exit(2)
}
