/** `spillway serve`: the gateway, until it is told to stop. */
import { once } from 'node:events'
import type { Gateway } from '../gateway/serve.ts'
import { systemClock } from '../pipeline/clock.ts'
import { type AddCommand, addCommand, type CliContext } from './context.ts'
import { policyOrDetected } from './detected-policy.ts'
import { usage } from './failure.ts'
import { addressesOf, runGateway, untilStopped } from './gateway-run.ts'
import { type LogFile, openLogFile } from './log-file.ts'
import { exposureOf } from './policy-exposure.ts'
import { findPolicyFile } from './policy-lookup.ts'
import { portNumber } from './port-number.ts'
import { isWorker, tellReady, type WorkerOrder } from './worker-life.ts'

interface ServeFlags {
  readonly port?: string
  readonly host?: string
  readonly policy?: string
  readonly workers?: string
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
    .option('--workers <n>', 'processes behind the port (default: 1); SIGHUP puts new ones in their place, one by one')
    .action((flags: ServeFlags) => serveAsWanted(flags, context))
}

async function serveAsWanted(flags: ServeFlags, context: CliContext): Promise<void> {
  const workers = flags.workers === undefined ? 1 : workerCount(flags.workers)
  if (workers === 1 || isWorker()) return await serve(flags, context)
  // Before anything is started: a mistake is told once.
  const { gateway } = (await policyOrDetected(flags.policy, context)).policy
  const port = flags.port === undefined ? gateway.port : portNumber(flags.port)
  const { serveWithWorkers } = await import('./serve-workers.ts')
  await serveWithWorkers({ count: workers, host: flags.host ?? gateway.host, port }, context, (ready) =>
    tellListening(ready, flags, context),
  )
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
    const told = logFile ? alsoInto(logFile, context) : context
    await whileServing(serving, told, async (gateway) => {
      if (isWorker()) return await workUntilOrdered(gateway, context)
      tellListening(gateway, flags, context)
      await untilStopped(told)
    })
  } finally {
    logFile?.close()
  }
}

async function workUntilOrdered(gateway: Gateway, { signal }: CliContext): Promise<void> {
  tellReady(gateway)
  if (!signal.aborted) await once(signal, 'abort')
  if (signal.reason === HAND_OVER) await gateway.handOver()
}

const HAND_OVER: WorkerOrder = 'hand_over'

function tellListening(
  gateway: Pick<Gateway, 'url' | 'keyFile'>,
  { json }: ServeFlags,
  { terminal }: CliContext,
): void {
  const { url, openaiBaseUrl, dashboardUrl, keyFile } = addressesOf(gateway)
  if (json) terminal.json({ url, dashboardUrl, keyFile })
  else {
    terminal.print(`listening on ${openaiBaseUrl}, key in ${keyFile}`)
    terminal.print(`console at ${dashboardUrl}`)
  }
}

/** More than any machine has cores for. */
const MOST_WORKERS = 256

function workerCount(text: string): number {
  const count = Number(text)
  if (/^\d+$/.test(text) && count >= 1 && count <= MOST_WORKERS) return count
  throw usage(`--workers ${text} is no number of processes`, `Use a number from 1 to ${MOST_WORKERS}.`)
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
  const policy = await policyOrDetected(flags.policy, context)
  const exposure = exposureOf(policy.file)
  if (exposure) context.terminal.say(`Warning: ${exposure.why} ${exposure.fix}`)
  const settings = policy.policy.gateway
  const run = {
    policy,
    host: flags.host ?? settings.host,
    port: flags.port ?? settings.port,
    file: findPolicyFile(flags.policy, context),
    ...(flags.temporary && { temporary: true as const }),
    log: flags.log ?? ((line: string) => context.terminal.say(line)),
  }
  await runGateway(run, context, ({ gateway }) => use(gateway))
}
