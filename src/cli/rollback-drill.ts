/** How long an order of the kill switch takes to be obeyed: given by one store, noticed by a router. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { resolvePaths } from '../models/paths.ts'
import { systemClock } from '../pipeline/clock.ts'
import { RouterError } from '../spec/errors.ts'
import type { LoadedPolicy } from '../spec/policy.ts'
import { openKillSwitch } from '../stores/kill-switch.ts'
import type { CliContext } from './context.ts'

/** Far beyond what any bar allows. */
const GIVE_UP_MS = 10_000
const LOOK_MS = 5

/**
 * In a state directory of its own, so that nobody else is stopped.
 *
 * @returns milliseconds from the order to the first request that obeys it
 */
export async function rollbackDrill(loaded: LoadedPolicy, context: CliContext): Promise<number> {
  const { createRouter } = await import('../compose.ts')
  const stateDir = mkdtempSync(join(tmpdir(), 'spillway-drill-'))
  const paths = { ...resolvePaths(context.env, process.platform), stateDir }
  const router = createRouter({ policy: loaded, env: context.env, paths })
  const request = { messages: [{ role: 'user' as const, content: 'Is the switch thrown?' }] }
  try {
    // The router has just looked: the order comes as late as it can.
    router.route(request)
    const startedMs = systemClock.monotonicMs()
    const at = new Date(systemClock.epochMs()).toISOString()
    openKillSwitch(stateDir, systemClock.monotonicMs).give({
      scope: 'all',
      mode: 'stop',
      why: 'a drill',
      by: 'eval',
      at,
    })
    while (systemClock.monotonicMs() - startedMs < GIVE_UP_MS) {
      if (router.route(request).decision.reason === 'kill_switch') return systemClock.monotonicMs() - startedMs
      await sleep(LOOK_MS)
    }
    throw new RouterError('internal', { problem: 'the kill switch was not obeyed within ten seconds' })
  } finally {
    await router.close()
    rmSync(stateDir, { recursive: true, force: true })
  }
}
