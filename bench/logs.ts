/**
 * `node bench/logs.ts [--data DIR] [--policy FILE] [--limit N]`: what the shipped policy does with build logs, as JSON.
 * The logs of `examples/logs` always; `DIR/traffic/logs.jsonl` when it is there. No key is used, so what a gate rejects
 * is counted as escalated: the decision was made, the local answer was only served degraded.
 */
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { parseArgs } from 'node:util'
import { createRouter } from '../src/index.ts'
import { resolvePaths } from '../src/models/paths.ts'
import type { Outcome } from '../src/spec/response.ts'
import type { Router } from '../src/spec/router.ts'

const ROOT = resolve(import.meta.dirname, '..')
const { values } = parseArgs({
  options: {
    data: { type: 'string', default: resolve(ROOT, '../shared/data') },
    policy: { type: 'string', default: join(ROOT, 'templates/agent.yaml') },
    limit: { type: 'string', default: '100000' },
    json: { type: 'boolean' },
  },
})

interface Log {
  readonly name: string
  readonly text: string
  readonly label: string
  readonly hardStop: string | null
}

interface Seen {
  readonly log: Log
  readonly outcome: Outcome
}

function exampleLogs(): readonly Log[] {
  const folder = join(ROOT, 'examples/logs')
  const expected = JSON.parse(readFileSync(join(folder, 'expected.json'), 'utf8')) as Record<
    string,
    Pick<Log, 'label' | 'hardStop'>
  >
  return readdirSync(folder)
    .filter((file) => file.endsWith('.log'))
    .map((file) => ({
      name: file,
      text: readFileSync(join(folder, file), 'utf8'),
      ...(expected[file] ?? { label: '', hardStop: null }),
    }))
}

function trafficLogs(): readonly Log[] | null {
  const file = join(values.data, 'traffic/logs.jsonl')
  if (!existsSync(file)) return null
  const rows = readFileSync(file, 'utf8')
    .split('\n')
    .filter((line) => line !== '')
  return rows.slice(0, Number(values.limit)).map((line) => {
    const row = JSON.parse(line) as { id: string; text: string; label: string; hardStop: string | null }
    return { ...row, name: row.id }
  })
}

async function ask(router: Router, logs: readonly Log[]): Promise<readonly Seen[]> {
  const seen: Seen[] = []
  for (const log of logs) {
    const outcome = await router.complete({
      messages: [{ role: 'user', content: log.text }],
      metadata: { task: 'classify_issue' },
    })
    seen.push({ log, outcome })
  }
  return seen
}

function report(seen: readonly Seen[]): Readonly<Record<string, unknown>> {
  const held = seen.filter(({ outcome }) => outcome.decision.route === 'held')
  const asked = seen.filter(({ outcome }) => outcome.decision.route === 'local')
  const accepted = asked.filter(({ outcome }) => outcome.decision.reason === 'local_accepted')
  const right = (list: readonly Seen[]): number =>
    list.filter(({ log, outcome }) => outcome.answer === log.label).length
  const times = asked.map(({ outcome }) => outcome.latencyMs).sort((a, b) => a - b)
  const reasons = Object.groupBy(seen, ({ outcome }) => outcome.decision.reason)
  return {
    n: seen.length,
    acceptedLocally: accepted.length,
    acceptedRight: right(accepted),
    acceptedWithHardStop: accepted.filter(({ log }) => log.hardStop !== null).length,
    escalated: asked.length - accepted.length,
    held: held.length,
    reasons: Object.fromEntries(Object.entries(reasons).map(([reason, list]) => [reason, list?.length ?? 0])),
    missedStops: seen.filter(({ log, outcome }) => log.hardStop !== null && outcome.decision.route !== 'held').length,
    falseStops: held.filter(({ log }) => log.hardStop === null).length,
    labelAccuracyOfAsked: asked.length === 0 ? null : Number((right(asked) / asked.length).toFixed(3)),
    wrongAccepts: accepted
      .filter(({ log, outcome }) => outcome.answer !== log.label)
      .map(({ log, outcome }) => `${log.name}: ${log.label} as ${outcome.answer}`),
    msP50: times[Math.floor(times.length / 2)] ?? null,
    msP95: times[Math.floor(times.length * 0.95)] ?? null,
  }
}

const state = mkdtempSync(join(tmpdir(), 'spillway-bench-'))
const { OPENAI_API_KEY: _o, ANTHROPIC_API_KEY: _a, ...env } = process.env
const router = createRouter({
  policy: values.policy,
  env,
  paths: { ...resolvePaths(process.env, process.platform), stateDir: state },
})
const examples = report(await ask(router, exampleLogs()))
const traffic = trafficLogs()
const result = {
  examples,
  traffic: traffic ? report(await ask(router, traffic)) : 'absent: no traffic/logs.jsonl below --data',
}
await router.close()
rmSync(state, { recursive: true, force: true })
process.stdout.write(`${JSON.stringify(result, null, 2)}\n`)
