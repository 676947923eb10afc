import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import OpenAI from 'openai'
import { type Gateway, type GatewaySettings, startGateway } from '../../src/gateway/serve.ts'
import { type Connection, type Policy, policySchema } from '../../src/spec/policy.ts'
import type { Router } from '../../src/spec/router.ts'
import { type GatewayStores, type MachineClock, openGatewayStores } from '../../src/stores/gateway-stores.ts'

export interface TestGateway extends Gateway {
  readonly key: string
  readonly client: OpenAI
  readonly logLines: readonly string[]
  readonly stateDir: string
}

const open: { gateway: Gateway; stores: GatewayStores; stateDir: string; isOurs: boolean }[] = []

/** A gateway on a free loopback port with a state directory of its own, and the real client pointed at it. */
export async function testGateway(
  router: Router,
  change: Partial<Policy['gateway']> &
    Pick<
      Partial<GatewaySettings>,
      'requestTimeoutMs' | 'graceMs' | 'policyProblem' | 'connections' | 'batchLookMs' | 'console'
    > & {
      /** Of another gateway: both share what is kept there. */
      readonly stateDir?: string
      readonly clock?: MachineClock
      /** Where limits are counted over several gateways. */
      readonly valkey?: Connection
    } = {},
): Promise<TestGateway> {
  const { stateDir: shared } = change
  const stateDir = shared ?? mkdtempSync(join(tmpdir(), 'spillway-gateway-'))
  const {
    requestTimeoutMs,
    graceMs,
    policyProblem,
    connections,
    batchLookMs,
    console: pages,
    stateDir: _,
    clock,
    valkey,
    ...settings
  } = change
  const logLines: string[] = []
  const stores = openGatewayStores(stateDir, clock, valkey)
  const gateway = await startGateway({
    router,
    settings: { ...policySchema.parse({}).gateway, ...settings },
    stateDir,
    stores,
    host: '127.0.0.1',
    port: 0,
    log: (line) => void logLines.push(line),
    graceMs: graceMs ?? 2000,
    ...(requestTimeoutMs !== undefined && { requestTimeoutMs }),
    ...(policyProblem && { policyProblem }),
    ...(connections && { connections }),
    ...(batchLookMs !== undefined && { batchLookMs }),
    ...(pages && { console: pages }),
  })
  open.push({ gateway, stores, stateDir, isOurs: shared === undefined })
  const key = readFileSync(gateway.keyFile, 'utf8').trim()
  const client = new OpenAI({ baseURL: `${gateway.url}/v1`, apiKey: key, maxRetries: 0 })
  return { ...gateway, key, client, logLines, stateDir }
}

export async function closeGateways(): Promise<void> {
  for (const { gateway, stores, stateDir, isOurs } of open.splice(0).reverse()) {
    await gateway.close()
    stores.rates.close()
    stores.idempotency.close()
    stores.responses.close()
    stores.batches.close()
    if (isOurs) rmSync(stateDir, { recursive: true, force: true })
  }
}
