/** A process that spends from a shared ceiling of 5 dollars, two hundred calls at once; prints what it spent. */
import { randomFrom } from '../../src/learn/random.ts'
import { openBudgets } from '../../src/stores/budgets.ts'

const [stateDir = '', seed = '1'] = process.argv.slice(2)
const random = randomFrom(Number(seed))
const scopes = [{ name: 'all', period: '2026-01-01', limitUsd: 5 }]
const book = openBudgets({ stateDir, monotonicMs: () => performance.now() })

const spent = await Promise.all(
  Array.from({ length: 200 }, async () => {
    const reservation = book.reserve(scopes, 0.02)
    if ('exhausted' in reservation) return 0
    await new Promise((resolve) => setImmediate(resolve))
    const usd = 0.02 * random()
    book.settle(reservation, usd)
    return usd
  }),
)
// What was not spent goes back only at the end; ask for it once more, one after the other.
let more = 0
for (let turn = 0; turn < 400; turn++) {
  const reservation = book.reserve(scopes, 0.02)
  if ('exhausted' in reservation) continue
  book.settle(reservation, 0.015)
  more += 0.015
}
book.close()
process.stdout.write(String(spent.reduce((sum, usd) => sum + usd, 0) + more))
