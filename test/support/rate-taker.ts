/** A process that takes permits as fast as it can; prints how many it got in each minute. */
import { openRates } from '../../src/stores/rates.ts'

const [path = '', limit = '1', tries = '1'] = process.argv.slice(2)
const rates = openRates({ path, machineMs: () => Number(process.hrtime.bigint()) / 1e6 })
const granted: Record<string, number> = {}
for (let turn = 0; turn < Number(tries); turn++) {
  const state = rates.take({ name: 'key', limit: Number(limit) }, 1)
  if (state.granted) granted[state.minute] = (granted[state.minute] ?? 0) + 1
  if (turn % 50 === 0) await new Promise((resolve) => setImmediate(resolve))
}
// No close: a process that is killed gives nothing back either.
process.stdout.write(JSON.stringify(granted))
