/** `spillway serve`: the gateway, until it is told to stop. */
import { once } from 'node:events'
import { replaceableRouter } from '../gateway/reload.ts'
import type { Gateway } from '../gateway/serve.ts'
import { resolvePaths } from '../models/paths.ts'
import { systemClock } from '../pipeline/clock.ts'
import type { LoadedPolicy } from '../spec/policy.ts'
import type { Router } from '../spec/router.ts'
import type { GatewayStores } from '../stores/gateway-stores.ts'
import { type AddCommand, addCommand, type CliContext } from './context.ts'
import { usage } from './failure.ts'
import { type LogFile, openLogFile } from './log-file.ts'
import { exposureOf } from './policy-exposure.ts'
import { findPolicy, findPolicyFile } from './policy-lookup.ts'
import { type PolicyWatch, watchPolicy } from './policy-watch.ts'
import { outliveStrayFailures } from './stray-failures.ts'

interface ServeFlags {
  readonly port?: string
  readonly host?: string
  readonly policy?: string
  readonly logFile?: string
  readonly logMaxMb: string
  readonly json?: true
}

export const addServe: AddCommand = (program, context) => {
  addCommand(program, 'serve', 'run the gateway: an OpenAI-compatible API on this machine')
    .option('--port <number>', 'instead of gateway.port of the policy; 0 picks a free one')
    .option('--host <address>', 'instead of gateway.host of the policy')
    .option('--policy <file>', 'the policy file to use')
    .option(
      '--log-file <file>',
      'one JSON line a request goes there and not to stderr; 5 older files are kept beside it',
    )
    .option('--log-max-mb <number>', 'size of one log file', '10')
    .action((flags: ServeFlags) => serve(flags, context))
}

async function serve(flags: ServeFlags, context: CliContext): Promise<void> {
  const port = flags.port === undefined ? null : portNumber(flags.port)
  const logFile = flags.logFile === undefined ? null : openLogFile(flags.logFile, flags.logMaxMb)
  const serving: Serving = {
    ...(flags.policy !== undefined && { policy: flags.policy }),
    ...(flags.host !== undefined && { host: flags.host }),
    ...(port !== null && { port }),
    ...(logFile && { log: logFile.write }),
  }
  try {
    await whileServing(serving, logFile ? alsoInto(logFile, context) : context, async (gateway) => {
      if (flags.json) context.terminal.json({ url: gateway.url, dashboardUrl: null, keyFile: gateway.keyFile })
      else context.terminal.print(`listening on ${gateway.url}/v1, key in ${gateway.keyFile}`)
      if (!context.signal.aborted) await once(context.signal, 'abort')
      context.terminal.say('Stopping: requests under way are finished first.')
    })
  } finally {
    logFile?.close()
  }
}

/** A service has nobody who reads its stderr. */
function alsoInto(file: LogFile, context: CliContext): CliContext {
  const say = (line: string): void => {
    file.write(JSON.stringify({ time: systemClock.epochMs(), said: line }))
    context.terminal.say(line)
  }
  return { ...context, terminal: { ...context.terminal, say } }
}

export interface Serving {
  readonly policy?: string
  /** In place of the policy's; port 0 picks a free one. */
  readonly host?: string
  readonly port?: number
  readonly temporary?: true
  /** Gets one line a request. Default: stderr. */
  readonly log?: (line: string) => void
}

/**
 * Runs the gateway for as long as `use` takes.
 *
 * @throws RouterError what the policy, the state directory or the port have against it; whatever `use` throws
 */
export async function whileServing(
  flags: Serving,
  context: CliContext,
  use: (gateway: Gateway) => Promise<void>,
): Promise<void> {
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
      port: flags.port ?? settings.port,
      ...(flags.temporary && { temporary: true }),
      policyProblem: () => watch?.problem() ?? null,
      metrics: keptMetrics(figures, monotonicMs),
      log: flags.log ?? ((line) => context.terminal.say(line)),
    })
    watch = watched(flags, context, (loaded) => {
      replace(open(loaded))
      inForce = loaded
      gateway.policyChanged()
    })
    const preloading = preload(router, context)
    try {
      await use(gateway)
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

/** The shipped policy does not change. */
function watched(flags: Serving, context: CliContext, apply: (loaded: LoadedPolicy) => void): PolicyWatch | null {
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

function portNumber(text: string): number {
  const port = Number(text)
  if (/^\d+$/.test(text) && port <= 65_535) return port
  throw usage(`--port ${text} is not a port`, 'Use a number from 0 to 65535; 0 picks a free one.')
}
