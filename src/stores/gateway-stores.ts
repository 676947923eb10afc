/** What a gateway keeps beside its router, in the state directory. */
import { randomUUID } from 'node:crypto'
import { join } from 'node:path'
import type { IdempotencyBook } from '../spec/idempotency.ts'
import type { RateBook } from '../spec/rates.ts'
import type { ResponseBook } from '../spec/response-book.ts'
import { openIdempotency } from './idempotency.ts'
import { openRates } from './rates.ts'
import { openResponses } from './responses.ts'

export interface GatewayStores {
  readonly rates: RateBook
  readonly idempotency: IdempotencyBook
  readonly responses: ResponseBook
}

export interface MachineClock {
  epochMs(): number
  /** Since the machine started: the same in all its processes, and no clock setting changes it. */
  machineMs(): number
}

/** @throws RouterError state_unwritable */
export function openGatewayStores(stateDir: string, { epochMs, machineMs }: MachineClock = MACHINE): GatewayStores {
  const rates = openRates({ path: join(stateDir, 'rates.sqlite'), machineMs })
  const path = join(stateDir, 'idempotency.sqlite')
  const writer = `${process.pid} ${randomUUID()}`
  const responses = openResponses({ path: join(stateDir, 'responses.sqlite'), epochMs })
  return { rates, idempotency: openIdempotency({ path, writer, machineMs, epochMs }), responses }
}

const MACHINE: MachineClock = {
  epochMs: () => Date.now(),
  machineMs: () => Number(process.hrtime.bigint()) / 1e6,
}
