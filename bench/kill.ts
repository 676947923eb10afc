/**
 * `npm run bench:kill -- [--json] [--rounds N]`: how long after an order of the kill switch a gateway under 200 requests a second still
 * sends a request to the model that was taken out. The gateway is a process of its own, its models are scripted, the order is
 * given over HTTP.
 */
import { parseArgs } from 'node:util'
import { type KillRound, killRound, PER_SECOND } from './kill/round.ts'

const { values } = parseArgs({ options: { json: { type: 'boolean' }, rounds: { type: 'string', default: '5' } } })

const rounds: KillRound[] = []
for (let round = 0; round < Number(values.rounds); round++) rounds.push(await killRound())
const effects = rounds.map(({ effectMs }) => effectMs).toSorted((a, b) => a - b)
const report = {
  perSecond: PER_SECOND,
  effectMs: { median: effects[Math.floor(effects.length / 2)], least: effects[0], most: effects.at(-1) },
  wrongRouteAfter: rounds.reduce((sum, one) => sum + one.wrongRouteAfter, 0),
  requests: rounds.reduce((sum, one) => sum + one.requests, 0),
}
process.stdout.write(`${JSON.stringify(report, null, 2)}\n`)
process.exitCode = report.wrongRouteAfter === 0 ? 0 : 1
