/** `spillway serve`: the gateway, until it is told to stop. */
import { once } from 'node:events'
import { replaceableRouter } from '../gateway/reload.ts'
import { resolvePaths } from '../models/paths.ts'
import { systemClock } from '../pipeline/clock.ts'
import type { LoadedPolicy } from '../spec/policy.ts'
import type { Router } from '../spec/router.ts'
import type { GatewayStores } from '../stores/gateway-stores.ts'
import { type AddCommand, addCommand, type CliContext } from './context.ts'
import { usage } from './failure.ts'
import { exposureOf } from './policy-exposure.ts'
import { findPolicy, findPolicyFile } from './policy-lookup.ts'
import { type PolicyWatch, watchPolicy } from './policy-watch.ts'
import { outliveStrayFailures } from './stray-failures.ts'
import { isWorker, tellReady, type WorkerOrder } from './worker-life.ts'

interface ServeFlags {
  readonly port?: string
  readonly host?: string
  readonly policy?: string
  readonly workers?: string
  readonly json?: true
}

export const addServe: AddCommand = (program, context) => {
  addCommand(program, 'serve', 'run the gateway: an OpenAI-compatible API on this machine')
    .option('--port <number>', 'instead of gateway.port of the policy; 0 picks a free one')
    .option('--host <address>', 'instead of gateway.host of the policy')
    .option('--policy <file>', 'the policy file to use')
    .option('--workers <n>', 'processes behind the port (default: 1); SIGHUP puts new ones in their place, one by one')
    .action((flags: ServeFlags) => serveAsWanted(flags, context))
}

async function serveAsWanted(flags: ServeFlags, context: CliContext): Promise<void> {
  const workers = flags.workers === undefined ? 1 : workerCount(flags.workers)
  if (workers === 1 || isWorker()) return await serve(flags, context)
  // Before anything is started: a mistake is told once.
  const { gateway } = findPolicy(flags.policy, context).policy
  const port = flags.port === undefined ? gateway.port : portNumber(flags.port)
  const { serveWithWorkers } = await import('./serve-workers.ts')
  await serveWithWorkers({ count: workers, host: flags.host ?? gateway.host, port }, context, (ready) =>
    tellListening(ready, flags, context),
  )
}

async function serve(flags: ServeFlags, context: CliContext): Promise<void> {
  const port = flags.port === undefined ? null : portNumber(flags.port)
  const policy = findPolicy(flags.policy, context)
  const exposure = exposureOf(policy.file)
  if (exposure) context.terminal.say(`Warning: ${exposure.why} ${exposure.fix}`)
  const settings = policy.policy.gateway
  const paths = resolvePaths(context.env, process.platform)
  // Loaded only here, so that other commands start at once.
  const [{ startGateway }, { createRouter }, { openGatewayStores }, { keptMetrics, metricsSource }] = await Promise.all(
    [
      import('../gateway/serve.ts'),
      import('../compose.ts'),
      import('../stores/gateway-stores.ts'),
      import('./metrics-source.ts'),
    ],
  )
  const open = (loaded: LoadedPolicy): Router => createRouter({ policy: loaded, env: context.env, paths })
  const { router, replace } = replaceableRouter(open(policy))
  let inForce = policy
  const { epochMs: nowMs, monotonicMs } = systemClock
  const figures = metricsSource({ stateDir: paths.stateDir, costs: () => inForce.policy.costs, nowMs })
  let watch: PolicyWatch | null = null
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
      ...(isWorker() && { sharesRecord: true as const }),
      log: (line) => context.terminal.say(line),
    })
    watch = watched(flags, context, (loaded) => {
      replace(open(loaded))
      inForce = loaded
      gateway.policyChanged()
    })
    const preloading = preload(router, context)
    try {
      if (isWorker()) tellReady(gateway)
      else tellListening(gateway, flags, context)
      if (!context.signal.aborted) await once(context.signal, 'abort')
      if (context.signal.reason === HAND_OVER) await gateway.handOver()
      else if (!isWorker()) context.terminal.say('Stopping: requests under way are finished first.')
    } finally {
      watch?.stop()
      await gateway.close()
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

const HAND_OVER: WorkerOrder = 'hand_over'

function tellListening(
  { url, keyFile }: { readonly url: string; readonly keyFile: string },
  { json }: ServeFlags,
  { terminal }: CliContext,
): void {
  if (json) terminal.json({ url, dashboardUrl: null, keyFile })
  else terminal.print(`listening on ${url}/v1, key in ${keyFile}`)
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

/** More than any machine has cores for. */
const MOST_WORKERS = 256

function workerCount(text: string): number {
  const count = Number(text)
  if (/^\d+$/.test(text) && count >= 1 && count <= MOST_WORKERS) return count
  throw usage(`--workers ${text} is no number of processes`, `Use a number from 1 to ${MOST_WORKERS}.`)
}

function portNumber(text: string): number {
  const port = Number(text)
  if (/^\d+$/.test(text) && port <= 65_535) return port
  throw usage(`--port ${text} is not a port`, 'Use a number from 0 to 65535; 0 picks a free one.')
}
