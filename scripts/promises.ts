/**
 * `npm run test:promises -- [--json]`: runs the tests behind each promise of the README and says which hold, with what they
 * measured. A promise without a test that ran does not hold. Exit code 1 when one is broken.
 */
import { spawnSync } from 'node:child_process'
import { parseArgs } from 'node:util'
import { ROOT, ranTests } from './ran-tests.ts'

interface Cited {
  readonly file: string
  readonly title: string
}

interface Promised {
  readonly id: string
  readonly promise: string
  readonly tests: readonly Cited[]
  /** A command that measures, and says the figure on stderr; exit code 0 when the bound holds. */
  readonly measured?: readonly string[]
}

const PROMISES: readonly Promised[] = [
  {
    id: 'P1',
    promise: 'every upstream call has an audit record, also after kill -9',
    tests: [
      { file: 'test/stores/journal-files.test.ts', title: 'after kill -9' },
      { file: 'test/stores/audit-log.test.ts', title: 'closes what a dead process left open when the next one starts' },
      { file: 'test/pipeline/pipeline.test.ts', title: 'holds a line in the ledger for every call that leaves' },
      { file: 'test/faults/f36.test.ts', title: '50 times kill -9' },
      { file: 'test/system/server.test.ts', title: 'loses no call that reached an upstream when it is killed' },
    ],
  },
  {
    id: 'P2',
    promise: 'one row per request, one upstream call per idempotency key',
    tests: [
      { file: 'test/stores/sqlite.test.ts', title: 'gives the same record in any order' },
      { file: 'test/stores/sqlite.test.ts', title: 'applies a part of a file once, whoever asks' },
      { file: 'test/gateway/idempotency.test.ts', title: 'shares one call between requests that come at once' },
      { file: 'test/gateway/idempotency.test.ts', title: 'is answered once, however often it is sent' },
      { file: 'test/faults/f53.test.ts', title: 'pairs at once, half of them streams' },
      { file: 'test/faults/f55.test.ts', title: 'is replayed by the next gateway' },
    ],
  },
  {
    id: 'P3',
    promise: 'no answer is called complete that is not',
    tests: [
      { file: 'test/gateway/chat.test.ts', title: 'ends a broken answer with an error chunk, without [DONE]' },
      { file: 'test/faults/upstream-broken-streams.test.ts', title: 'F15 for every k of 40 streams' },
      { file: 'test/faults/stream-fuzz.test.ts', title: 'complete only with their terminal event' },
      { file: 'test/models/openai-compatible.test.ts', title: 'at any frame before the finish reason' },
      { file: 'test/models/openai-compatible.test.ts', title: 'fails after a later error frame' },
      { file: 'test/models/anthropic.test.ts', title: 'is incomplete without message_stop, and without a stop reason' },
      { file: 'test/gateway/conformance.test.ts', title: 'never turns a stream that broke off into a whole one' },
      { file: 'test/gateway/life.test.ts', title: 'ends a half-sent stream with an error chunk' },
      { file: 'test/pipeline/cache.test.ts', title: 'keeps no answer that was cut off' },
    ],
  },
  {
    id: 'P4',
    promise: 'local_only text never leaves',
    tests: [
      { file: 'test/route/route.test.ts', title: 'never name a frontier for local_only text' },
      { file: 'test/pipeline/partition.test.ts', title: 'for a local_only request no client of a frontier is made' },
      { file: 'test/pipeline/anonymise.test.ts', title: 'what leaves anonymised' },
      { file: 'test/faults/f64.test.ts', title: 'goes where the policy says' },
      { file: 'test/faults/f64-doors.test.ts', title: 'all of it went through the door' },
      { file: 'test/gateway/local-only-fields.test.ts', title: 'never leaves, in whatever field' },
      { file: 'test/models/ollama.test.ts', title: 'may be anywhere when' },
      { file: 'test/pipeline/egress.test.ts', title: 'is closed to text of local_only' },
      { file: 'test/gateway/chat.test.ts', title: 'can tighten the partition and never loosen it' },
      { file: 'test/spec/destination.test.ts', title: 'may not live on another machine, a private network included' },
      { file: 'test/spec/destination.test.ts', title: 'may not be one that Ollama runs in its cloud' },
      { file: 'test/cli/audit-egress.test.ts', title: 'is broken by a local_only request that left' },
    ],
  },
  {
    id: 'P5',
    promise: 'a budget is a ceiling',
    tests: [
      {
        file: 'test/stores/budgets.test.ts',
        title: 'holds over four processes with two hundred calls at once in each',
      },
      { file: 'test/stores/budgets.test.ts', title: 'never let the ceiling be passed, however many are killed' },
      { file: 'test/stores/budgets.test.ts', title: 'are never taken from a process that runs' },
      { file: 'test/pipeline/budget.test.ts', title: 'refuses a call that may cost more than is left' },
      { file: 'test/gateway/ceilings.test.ts', title: 'is capped with what was reserved' },
      { file: 'test/gateway/ceilings.test.ts', title: 'holds over all texts that one request asks for' },
      { file: 'test/pipeline/budget.test.ts', title: 'books a call that the caller gave up' },
      { file: 'test/pipeline/budget.test.ts', title: 'books every vote of a judge' },
    ],
  },
  {
    id: 'P6',
    promise: 'an order of the kill switch is obeyed within a second',
    tests: [
      { file: 'test/stores/kill-switch.test.ts', title: 'is obeyed by every process within a fifth of a second' },
      { file: 'test/pipeline/kill-switch.test.ts', title: 'is obeyed by a request that is under way' },
    ],
  },
  {
    id: 'P7',
    promise: 'the gateway outlives any model, upstream, store or config fault',
    tests: [
      { file: 'test/system/server.test.ts', title: 'stays up when the engine host is killed' },
      { file: 'test/stores/journal.test.ts', title: 'refuses all who wait for a sync that fails' },
      { file: 'test/system/server.test.ts', title: 'takes a changed policy within seconds, keeps the last good one' },
      { file: 'test/gateway/limits.test.ts', title: 'leave Object.prototype alone' },
    ],
  },
  {
    id: 'P8',
    promise: 'no key and no prompt in logs by default',
    tests: [
      { file: 'test/gateway/limits.test.ts', title: 'holds one line a request, without text, key or query' },
      { file: 'test/gateway/limits.test.ts', title: 'say that JSON is broken and repeat none of it' },
      { file: 'test/gateway/life.test.ts', title: 'is told by its kind and its place, never by its words' },
      { file: 'test/pipeline/pipeline.test.ts', title: 'holds no text of the request or the answer by default' },
      { file: 'test/models/upstream-errors.test.ts', title: 'never hold the key, wherever the provider puts it' },
      { file: 'test/models/openai-compatible.test.ts', title: 'is quoted without keys' },
      { file: 'test/faults/f65.test.ts', title: 'stand in no log and no file' },
    ],
  },
  {
    id: 'P9',
    promise: 'no answer crosses tenants',
    tests: [
      { file: 'test/pipeline/cache.test.ts', title: 'tells apart all that shapes an answer, and tenants' },
      { file: 'test/gateway/idempotency.test.ts', title: 'never gives the answer of one tenant to another' },
    ],
  },
  {
    id: 'P10',
    promise: 'the overhead is bounded and published',
    tests: [],
    measured: ['bench/gateway.ts', '--quick', '--check'],
  },
  {
    id: 'P11',
    promise: 'the accept gate keeps its stated error bound, or says that it cannot',
    tests: [
      { file: 'test/learn/bounds.test.ts', title: '' },
      { file: 'test/pipeline/calibration.test.ts', title: '' },
    ],
  },
]

const { values } = parseArgs({ options: { json: { type: 'boolean' } } })
const ran = ranTests([...new Set(PROMISES.flatMap(({ tests }) => tests.map(({ file }) => file)))])
const report = Object.fromEntries(PROMISES.map((one) => [one.id, judged(one)]))
process.stdout.write(values.json ? `${JSON.stringify(report, null, 2)}\n` : lines())
process.exitCode = Object.values(report).every(({ pass }) => pass) ? 0 : 1

function judged({ promise, tests, measured }: Promised) {
  if (measured) {
    const { status, stderr } = spawnSync(process.execPath, measured, { cwd: ROOT, encoding: 'utf8' })
    return { pass: status === 0, promise, figure: stderr.trim().replaceAll('\n', '; ') }
  }
  const found = tests.map(({ file, title }) => ran.filter((one) => one.file === file && one.name.includes(title)))
  const all = found.flat()
  const failed = all.filter(({ status }) => status !== 'passed')
  const isBacked = tests.length > 0 && found.every((own) => own.length > 0)
  const passed = `${all.length - failed.length} of ${all.length} tests passed`
  const figures = all.flatMap((one) => (one.figure === null ? [] : [one.figure]))
  return { pass: isBacked && failed.length === 0, promise, figure: [...figures, passed].join('; ') }
}

function lines(): string {
  return Object.entries(report)
    .map(([id, { pass, promise, figure }]) => `${pass ? 'holds ' : 'broken'} ${id} ${promise}: ${figure}\n`)
    .join('')
}
