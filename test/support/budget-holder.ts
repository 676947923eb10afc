/**
 * A process that keeps taking from a shared ceiling, calling and settling, until it is killed. It says before each call what the call
 * may cost at most, and after it what it cost; what it said is what a provider could bill. With the seed `still` it spends 0.1 of a
 * block of 0.8, holds 0.2 for a call that never ends, and waits.
 */
import { writeSync } from 'node:fs'
import { setTimeout as delay } from 'node:timers/promises'
import { randomFrom } from '../../src/learn/random.ts'
import { openBudgets } from '../../src/stores/budgets.ts'

const [stateDir = '', seed = '1'] = process.argv.slice(2)
const LIMIT_USD = 1
const MOST_USD = 0.02
const random = randomFrom(Number(seed) || 0)
const scopes = [
  { name: 'all', period: '2026-01-01', limitUsd: LIMIT_USD },
  { name: 'task:chat', period: '2026-01', limitUsd: 10 * LIMIT_USD },
]
const book = openBudgets({ stateDir, monotonicMs: () => performance.now() })
const say = (line: string) => writeSync(1, `${line}\n`)

async function call(): Promise<void> {
  const usd = MOST_USD
  const reservation = book.reserve(scopes, usd)
  if ('exhausted' in reservation) {
    say('refused')
    await delay(20)
    return
  }
  book.noted()
  say(`call ${usd}`)
  await delay(random() * 4)
  const spent = usd * random()
  say(`cost ${spent} ${usd}`)
  book.settle(reservation, spent)
}

function spendAndHold(): void {
  const first = book.reserve(scopes, 0.8)
  if ('exhausted' in first) throw new Error('nothing left')
  book.settle(first, 0.1)
  if ('exhausted' in book.reserve(scopes, 0.2)) throw new Error('nothing left')
  book.noted()
  setInterval(() => undefined, 1000)
}

if (seed === 'still') spendAndHold()
say('ready')
const callers = seed === 'still' ? [] : [1, 2, 3, 4]
await Promise.all(
  callers.map(async () => {
    for (;;) await call()
  }),
)
