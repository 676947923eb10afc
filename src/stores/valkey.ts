/**
 * Limits by the minute in a Valkey or Redis that many gateways share: the only file that knows the client. A server that is away or
 * slow costs nobody anything: this machine counts for itself until it answers in time again.
 */
import type { Redis } from 'ioredis'
import { RouterError } from '../spec/errors.ts'
import type { Connection } from '../spec/policy.ts'
import type { LocalRateBook, RateBook, RateLimit, RateState, SharedRatesHealth } from '../spec/rates.ts'
import { BLOCK_SHARE, LEFT_SHARE } from './rates.ts'

export interface SharedRatesSettings extends Connection {
  /** Of this machine; closed with the shared one. */
  readonly own: LocalRateBook
  readonly monotonicMs: () => number
}

/** The version that the optional peer is tested with. */
const IOREDIS_VERSION = '6.0.0'
/** Longer than a command takes in one data centre, and less than anybody notices. */
const COMMAND_MS = 15
/** Between two looks at a server that is not used; no request tries it out. */
const PROBE_MS = 1000
/** So many answers in time, one after the other, and it is used again. */
const PROBES = 3
/** How often a request asks again when others were faster; each time it takes enough for itself. */
const TURNS = 5
const CONNECT_MS = 5000
const LAST_RECONNECT_MS = 2000
const MINUTE_MS = 60_000

/**
 * Counts in the minutes of the server's clock, so that all gateways agree on them. Returns what was taken, what all have taken, the
 * minute, and the milliseconds that are left of it.
 */
const TAKE = `
local time = redis.call('TIME')
local now = tonumber(time[1]) * 1000 + math.floor(tonumber(time[2]) / 1000)
local minute = math.floor(now / ${MINUTE_MS})
local kept = redis.call('HMGET', KEYS[1], 'minute', 'taken')
local taken = 0
if tonumber(kept[1]) == minute then taken = tonumber(kept[2]) end
local limit, missing, always = tonumber(ARGV[1]), tonumber(ARGV[2]), ARGV[3] == 'always'
local left = limit - taken
local more = 0
if always then more = missing
elseif left >= missing then
  local block = math.floor(math.min(limit * ${BLOCK_SHARE}, left * ${LEFT_SHARE}))
  more = math.min(left, math.max(missing, block))
end
if more > 0 then
  redis.call('HSET', KEYS[1], 'minute', minute, 'taken', taken + more)
  redis.call('PEXPIRE', KEYS[1], ${2 * MINUTE_MS})
end
return { more, taken + more, minute, ${MINUTE_MS} - now % ${MINUTE_MS} }`

/** What this process knows of one limit in one minute. */
interface Cell {
  readonly minute: number
  readonly endsAtMs: number
  /** Permits in blocks of this process, and those of them that are used. */
  leased: number
  used: number
  /** By all gateways, when the server was last asked. */
  taken: number
}

/** Connects in the background; until then, and whenever the server does not answer in time, limits are those of this machine. */
export function openSharedRates({ url, variable, own, monotonicMs }: SharedRatesSettings): RateBook {
  const cells = new Map<string, Cell>()
  const server = connectInBackground(url, variable)
  const ask = async ({ name, limit }: RateLimit, missing: number, how: 'within' | 'always'): Promise<Cell> => {
    const words = [`spillway:rate:${name}`, limit, missing, how] as const
    const [more, taken, minute, leftMs] = await server.run(
      (client) => client.call('EVAL', TAKE, 1, ...words) as Promise<Reply>,
    )
    const known = cells.get(name)
    // Two that asked at the turn of a minute may be answered in any order.
    if (known && known.minute > minute && monotonicMs() < known.endsAtMs) return known
    const cell =
      known?.minute === minute ? known : { minute, endsAtMs: monotonicMs() + leftMs, leased: 0, used: 0, taken: 0 }
    cells.set(name, cell)
    cell.leased += more
    cell.taken = Math.max(cell.taken, taken)
    return cell
  }
  const current = (name: string): Cell | undefined => {
    const cell = cells.get(name)
    return cell && monotonicMs() < cell.endsAtMs ? cell : undefined
  }
  const stateOf = (cell: Cell, { limit }: RateLimit, granted: boolean): RateState => ({
    granted,
    remaining: Math.max(0, limit - cell.taken + cell.leased - cell.used),
    resetMs: Math.max(0, cell.endsAtMs - monotonicMs()),
    minute: cell.minute,
    isShared: true,
  })
  /** @returns null when the server has to be asked */
  const fromMemory = (rate: RateLimit, amount: number): RateState | null => {
    const cell = current(rate.name)
    if (!cell) return null
    const missing = amount - (cell.leased - cell.used)
    if (missing <= 0) cell.used += amount
    // Within a minute nothing comes back: what was not left before is not left now.
    else if (rate.limit - cell.taken >= missing) return null
    return stateOf(cell, rate, missing <= 0)
  }
  const fromServer = async (rate: RateLimit, amount: number): Promise<RateState> => {
    try {
      for (let turn = 1; ; turn++) {
        const before = current(rate.name)
        const cell = await ask(rate, amount - (before ? before.leased - before.used : 0), 'within')
        // Another request may have used what came for this one.
        const state = fromMemory(rate, amount)
        if (state || turn === TURNS) return state ?? stateOf(cell, rate, false)
      }
    } catch {
      return own.take(rate, amount)
    }
  }
  return {
    take(rate, wanted) {
      const amount = Math.min(wanted, rate.limit)
      if (!server.isUsed()) return own.take(rate, amount)
      return fromMemory(rate, amount) ?? fromServer(rate, amount)
    },
    correct(rate, difference, taken) {
      if (!taken.isShared) return own.correct(rate, difference, taken)
      const cell = current(rate.name)
      if (difference < 0 && cell?.minute !== taken.minute) return
      if (cell) cell.used = Math.max(0, cell.used + difference)
      const over = cell ? cell.used - cell.leased : difference
      if (over <= 0) return
      if (!server.isUsed()) return own.correct(rate, over, taken)
      ask(rate, over, 'always').then(
        (asked) => {
          // In the minute that runs now: the one before has ended with its cell.
          if (asked !== cell) asked.used += over
        },
        () => own.correct(rate, over, taken),
      )
    },
    health: () => server.health(),
    close() {
      server.close()
      own.close()
    },
  }
}

type Reply = readonly [more: number, taken: number, minute: number, leftMs: number]

function connectInBackground(url: string | null, variable: string) {
  let client: Redis | null = null
  let isUsed = false
  let isClosed = false
  let problem: string | null = url === null ? `${variable} is not set` : null
  const leave = (error: unknown): void => {
    isUsed = false
    problem = error instanceof Error ? error.message || String((error as NodeJS.ErrnoException).code) : String(error)
  }
  const run = async <T>(command: (client: Redis) => Promise<T>): Promise<T> => {
    try {
      if (client?.status !== 'ready') throw new Error(problem ?? 'there is no connection')
      return await inTime(command(client))
    } catch (error) {
      leave(error)
      throw error
    }
  }
  const probe = async (): Promise<void> => {
    if (isUsed || client?.status !== 'ready') return
    try {
      for (let turn = 0; turn < PROBES; turn++) await run((ready) => ready.ping())
      isUsed = true
      problem = null
    } catch {
      // `run` has kept the reason.
    }
  }
  const timer = setInterval(() => void probe(), PROBE_MS).unref()
  const open = async (address: string): Promise<void> => {
    const { Redis: Client } = await loadValkeyClient()
    if (isClosed) return
    client = new Client(address, {
      connectionName: 'spillway',
      connectTimeout: CONNECT_MS,
      // A command that cannot be sent now is of no use later.
      enableOfflineQueue: false,
      autoResendUnfulfilledCommands: false,
      maxRetriesPerRequest: 0,
      retryStrategy: (times) => Math.min(times * 100, LAST_RECONNECT_MS),
    })
    client.on('error', leave)
    client.on('close', () => isUsed && leave(new Error('the connection was closed')))
    client.on('ready', () => void probe())
  }
  if (url !== null) open(url).catch(leave)
  const place = url === null ? null : new URL(url).host
  return {
    run,
    isUsed: () => isUsed,
    health: (): SharedRatesHealth => ({
      place,
      state: isUsed ? 'shared' : problem === null ? 'connecting' : 'alone',
      problem,
    }),
    close() {
      isClosed = true
      isUsed = false
      clearInterval(timer)
      client?.disconnect()
    },
  }
}

/** @throws RouterError peer_missing */
export async function loadValkeyClient() {
  return await import('ioredis').catch((error: NodeJS.ErrnoException) => {
    if (error.code !== 'ERR_MODULE_NOT_FOUND') throw error
    const values = { key: 'gateway.limits.shared of the policy', name: 'ioredis', version: IOREDIS_VERSION }
    throw new RouterError('peer_missing', values, error)
  })
}

/** An answer that lies in the socket while this process was busy has come in time: it is read before anything is given up. */
function inTime<T>(command: Promise<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    const late = (): void => reject(new Error(`no answer within ${COMMAND_MS} ms`))
    const timer = setTimeout(() => setImmediate(late), COMMAND_MS)
    const settled = (): void => clearTimeout(timer)
    command.then(resolve, reject).finally(settled)
  })
}
