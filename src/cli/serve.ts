/** `spillway serve`: the gateway, until it is told to stop. */
import { once } from 'node:events'
import { replaceableRouter } from '../gateway/reload.ts'
import { resolvePaths } from '../models/paths.ts'
import { systemClock } from '../pipeline/clock.ts'
import { createLiveFeed } from '../spec/console.ts'
import type { LoadedPolicy } from '../spec/policy.ts'
import type { Router } from '../spec/router.ts'
import type { GatewayStores } from '../stores/gateway-stores.ts'
import { type AddCommand, addCommand, type CliContext } from './context.ts'
import { usage } from './failure.ts'
import { exposureOf } from './policy-exposure.ts'
import { findPolicy, findPolicyFile } from './policy-lookup.ts'
import { type PolicyWatch, watchPolicy } from './policy-watch.ts'
import { outliveStrayFailures } from './stray-failures.ts'

interface ServeFlags {
  readonly port?: string
  readonly host?: string
  readonly policy?: string
  readonly json?: true
}

export const addServe: AddCommand = (program, context) => {
  addCommand(program, 'serve', 'run the gateway: an OpenAI-compatible API on this machine')
    .option('--port <number>', 'instead of gateway.port of the policy; 0 picks a free one')
    .option('--host <address>', 'instead of gateway.host of the policy')
    .option('--policy <file>', 'the policy file to use')
    .action((flags: ServeFlags) => serve(flags, context))
}

async function serve(flags: ServeFlags, context: CliContext): Promise<void> {
  const port = flags.port === undefined ? null : portNumber(flags.port)
  const policy = findPolicy(flags.policy, context)
  const exposure = exposureOf(policy.file)
  if (exposure) context.terminal.say(`Warning: ${exposure.why} ${exposure.fix}`)
  const settings = policy.policy.gateway
  const paths = resolvePaths(context.env, process.platform)
  // Loaded only here, so that other commands start at once.
  const [{ startGateway }, { createRouter }, { openGatewayStores }, { keptMetrics, metricsSource }, { openConsole }] =
    await Promise.all([
      import('../gateway/serve.ts'),
      import('../compose.ts'),
      import('../stores/gateway-stores.ts'),
      import('./metrics-source.ts'),
      import('./console/source.ts'),
    ])
  const live = createLiveFeed()
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
    const gateway = await startGateway({
      router,
      settings,
      stateDir: paths.stateDir,
      stores,
      host: flags.host ?? settings.host,
      port: port ?? settings.port,
      policyProblem: () => watch?.problem() ?? null,
      metrics: keptMetrics(figures, monotonicMs),
      console: pages,
      log: (line) => context.terminal.say(line),
    })
    watch = watched(flags, context, (loaded) => {
      replace(open(loaded))
      inForce = loaded
      gateway.policyChanged()
    })
    const preloading = preload(router, context)
    try {
      if (flags.json)
        context.terminal.json({ url: gateway.url, dashboardUrl: `${gateway.url}/ui`, keyFile: gateway.keyFile })
      else {
        context.terminal.print(`listening on ${gateway.url}/v1, key in ${gateway.keyFile}`)
        context.terminal.print(`console at ${gateway.url}/ui`)
      }
      if (!context.signal.aborted) await once(context.signal, 'abort')
      context.terminal.say('Stopping: requests under way are finished first.')
    } finally {
      watch?.stop()
      await gateway.close()
      await pages.close()
      await preloading
    }
  } finally {
    await router.close()
    // What went on without its client ends with the router, and is kept until then.
    stores?.rates.close()
    stores?.idempotency.close()
    stores?.responses.close()
    stores?.batches.close()
    giveBack()
  }
}

/** The shipped policy does not change. */
function watched(flags: ServeFlags, context: CliContext, apply: (loaded: LoadedPolicy) => void): PolicyWatch | null {
  const file = findPolicyFile(flags.policy, context)
  return file === null
    ? null
    : watchPolicy({ file, env: context.env, apply, told: (line) => context.terminal.say(line) })
}

/** In the background; a model that cannot be loaded is a warning, since requests go to the next tier. */
async function preload(router: Router, { terminal, signal }: CliContext): Promise<void> {
  for (const { name, error } of await router.preload({ signal })) {
    if (error && !signal.aborted) terminal.say(`Model ${name} was not preloaded: ${error.message} ${error.fix}`)
  }
}

/** @throws RouterError usage */
export function portNumber(text: string): number {
  const port = Number(text)
  if (/^\d+$/.test(text) && port <= 65_535) return port
  throw usage(`--port ${text} is not a port`, 'Use a number from 0 to 65535; 0 picks a free one.')
}
