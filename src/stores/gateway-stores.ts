/** What a gateway keeps beside its router, in the state directory. */
import { randomUUID } from 'node:crypto'
import { join } from 'node:path'
import type { IdempotencyBook } from '../spec/idempotency.ts'
import type { Clock } from '../spec/ports.ts'
import type { RateBook } from '../spec/rates.ts'
import { openIdempotency } from './idempotency.ts'
import { openRates } from './rates.ts'

export interface GatewayStores {
  readonly rates: RateBook
  readonly idempotency: IdempotencyBook
}

/** @throws RouterError state_unwritable */
export function openGatewayStores(stateDir: string, { epochMs }: Pick<Clock, 'epochMs'>): GatewayStores {
  const rates = openRates({ path: join(stateDir, 'rates.sqlite'), machineMs })
  const path = join(stateDir, 'idempotency.sqlite')
  const writer = `${process.pid} ${randomUUID()}`
  return { rates, idempotency: openIdempotency({ path, writer, machineMs, epochMs }) }
}

/** Since the machine started: the same in all its processes, and no clock setting changes it. */
function machineMs(): number {
  return Number(process.hrtime.bigint()) / 1e6
}
