/** A gateway's book of shared limits in a process of its own: takes permits one by one, prints how many it got in each minute. */
import { openSharedRates } from '../../src/stores/valkey.ts'

const [url = '', name = '', limit = '1', tries = '1'] = process.argv.slice(2)
const monotonicMs = () => performance.now()
/** Nothing is granted without the server. */
const own = {
  take: () => ({ granted: false, remaining: 0, resetMs: 0, minute: 0 }),
  correct: () => undefined,
  health: () => null,
  close: () => undefined,
}
const rates = openSharedRates({ url, variable: 'VALKEY_URL', own, monotonicMs })
const granted: Record<string, number> = {}
for (let turn = 0; turn < Number(tries); turn++) {
  while (rates.health()?.state !== 'shared') await new Promise((resolve) => setTimeout(resolve, 5))
  const state = await rates.take({ name, limit: Number(limit) }, 1)
  if (state.granted) granted[state.minute] = (granted[state.minute] ?? 0) + 1
}
process.stdout.write(JSON.stringify(granted))
rates.close()
