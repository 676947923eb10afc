/** One gateway from start to end: what `spillway serve` and `spillway` alone have in common. */
import { once } from 'node:events'
import { replaceableRouter } from '../gateway/reload.ts'
import type { Gateway } from '../gateway/serve.ts'
import { resolvePaths } from '../models/paths.ts'
import { systemClock } from '../pipeline/clock.ts'
import { RouterError } from '../spec/errors.ts'
import type { LoadedPolicy } from '../spec/policy.ts'
import type { Router } from '../spec/router.ts'
import type { GatewayStores } from '../stores/gateway-stores.ts'
import type { CliContext } from './context.ts'
import { type PolicyWatch, watchPolicy } from './policy-watch.ts'
import { outliveStrayFailures } from './stray-failures.ts'
import { isWorker } from './worker-life.ts'

export interface GatewayRun {
  readonly policy: LoadedPolicy
  readonly host: string
  /** 0 picks a free one. */
  readonly port: number
  /** What to do when another program has the port. Default: fail. */
  readonly portTaken?: 'fail' | 'take_another'
  /** Watched for changes; null when the policy is not a file of the user. */
  readonly file: string | null
  /** It ends with the command that needs it, so that others do not rely on it. */
  readonly temporary?: true
  /** Gets one JSON line a request. */
  readonly log: (line: string) => void
}

export interface RunningGateway {
  readonly gateway: Gateway
  readonly router: Router
}

/** Where a running gateway is found, as commands print it. */
export interface GatewayAddresses {
  readonly url: string
  readonly openaiBaseUrl: string
  readonly anthropicBaseUrl: string
  /** The operator's console. */
  readonly dashboardUrl: string
  /** The file that holds the key of this machine's operator. */
  readonly keyFile: string
}

export function addressesOf({ url, keyFile }: Pick<Gateway, 'url' | 'keyFile'>): GatewayAddresses {
  return { url, openaiBaseUrl: `${url}/v1`, anthropicBaseUrl: url, dashboardUrl: `${url}/ui`, keyFile }
}

/** Resolves when the command is told to stop. */
export async function untilStopped({ signal, terminal }: CliContext): Promise<void> {
  if (!signal.aborted) await once(signal, 'abort')
  terminal.say('Stopping: requests under way are finished first.')
}

/**
 * Runs a gateway for as long as `use` takes, then lets it finish what is under way.
 *
 * @throws RouterError what the state directory or the port have against it; whatever `use` throws
 */
export async function runGateway(
  run: GatewayRun,
  context: CliContext,
  use: (running: RunningGateway) => Promise<void>,
): Promise<void> {
  const { policy } = run
  const paths = resolvePaths(context.env, process.platform)
  // Loaded only here, so that other commands start at once.
  const [
    { startGateway },
    { createRouter },
    { openGatewayStores },
    { keptMetrics, metricsSource },
    { openConsole },
    { machineFeed },
  ] = await Promise.all([
    import('../gateway/serve.ts'),
    import('../compose.ts'),
    import('../stores/gateway-stores.ts'),
    import('./metrics-source.ts'),
    import('./console/source.ts'),
    import('./console/live-feed.ts'),
  ])
  const live = machineFeed({ stateDir: paths.stateDir })
  const open = (loaded: LoadedPolicy): Router =>
    createRouter({ policy: loaded, env: context.env, paths, onSettled: live.publish })
  const { router, replace } = replaceableRouter(open(policy))
  let inForce = policy
  const { epochMs: nowMs, monotonicMs } = systemClock
  const figures = metricsSource({ stateDir: paths.stateDir, costs: () => inForce.policy.costs, nowMs })
  let watch: PolicyWatch | null = null
  const pages = openConsole({
    stateDir: paths.stateDir,
    loaded: () => inForce,
    policyProblem: () => watch?.problem() ?? null,
    live,
    clock: systemClock,
  })
  let stores: GatewayStores | null = null
  const giveBack = outliveStrayFailures((line) => context.terminal.say(line))
  try {
    stores = openGatewayStores(paths.stateDir, undefined, policy.connections.valkey)
    const settings = {
      router,
      settings: policy.policy.gateway,
      stateDir: paths.stateDir,
      stores,
      host: run.host,
      port: run.port,
      policyProblem: () => watch?.problem() ?? null,
      metrics: keptMetrics(figures, monotonicMs),
      console: pages,
      ...(run.temporary && { temporary: true as const }),
      ...(isWorker() && { sharesRecord: true as const }),
      log: run.log,
    }
    const gateway = await startGateway(settings).catch((error: unknown) => {
      const isTaken = error instanceof RouterError && error.code === 'port_taken'
      if (!isTaken || run.portTaken !== 'take_another') throw error
      return startGateway({ ...settings, port: 0 })
    })
    if (run.file !== null)
      watch = watchPolicy({
        file: run.file,
        env: context.env,
        apply: (loaded) => {
          replace(open(loaded))
          inForce = loaded
          gateway.policyChanged()
        },
        told: (line) => context.terminal.say(line),
      })
    const preloading = preload(router, context)
    try {
      await use({ gateway, router })
    } finally {
      watch?.stop()
      await gateway.close()
      await pages.close()
      await preloading
    }
  } finally {
    await router.close()
    closeStores(stores)
    giveBack()
  }
}

/** What went on without its client ends with the router, and is kept until then. */
function closeStores(stores: GatewayStores | null): void {
  stores?.rates.close()
  stores?.idempotency.close()
  stores?.responses.close()
  stores?.batches.close()
}

/** In the background; a model that cannot be loaded is a warning, since requests go to the next tier. */
async function preload(router: Router, { terminal, signal }: CliContext): Promise<void> {
  for (const { name, error } of await router.preload({ signal })) {
    if (error && !signal.aborted) terminal.say(`Model ${name} was not preloaded: ${error.message} ${error.fix}`)
  }
}
