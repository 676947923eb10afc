/** What a gateway keeps beside its router, in the state directory. */
import { randomUUID } from 'node:crypto'
import { join } from 'node:path'
import type { BatchBook } from '../spec/batch-book.ts'
import type { IdempotencyBook } from '../spec/idempotency.ts'
import type { KillBook } from '../spec/kill-switch.ts'
import type { Connection } from '../spec/policy.ts'
import type { RateBook } from '../spec/rates.ts'
import type { ResponseBook } from '../spec/response-book.ts'
import { openBatches } from './batches.ts'
import { openIdempotency } from './idempotency.ts'
import { openKillSwitch } from './kill-switch.ts'
import { openRates } from './rates.ts'
import { openResponses } from './responses.ts'
import { openSharedRates } from './valkey.ts'

export interface GatewayStores {
  readonly rates: RateBook
  readonly idempotency: IdempotencyBook
  readonly responses: ResponseBook
  readonly killSwitch: KillBook
  readonly batches: BatchBook
}

export interface MachineClock {
  epochMs(): number
  /** Since the machine started: the same in all its processes, and no clock setting changes it. */
  machineMs(): number
}

/**
 * @param valkey where limits are counted over all machines; null for this one alone
 * @throws RouterError state_unwritable
 */
export function openGatewayStores(
  stateDir: string,
  { epochMs, machineMs }: MachineClock = MACHINE,
  valkey: Connection | null = null,
): GatewayStores {
  const own = openRates({ path: join(stateDir, 'rates.sqlite'), machineMs })
  const rates = valkey ? openSharedRates({ ...valkey, own, monotonicMs: machineMs }) : own
  const path = join(stateDir, 'idempotency.sqlite')
  const writer = `${process.pid} ${randomUUID()}`
  const responses = openResponses({ path: join(stateDir, 'responses.sqlite'), epochMs })
  return {
    rates,
    idempotency: openIdempotency({ path, writer, machineMs, epochMs }),
    responses,
    killSwitch: openKillSwitch(stateDir, machineMs),
    batches: openBatches({ folder: join(stateDir, 'batches'), writer, machineMs, epochMs }),
  }
}

const MACHINE: MachineClock = {
  epochMs: () => Date.now(),
  machineMs: () => Number(process.hrtime.bigint()) / 1e6,
}
