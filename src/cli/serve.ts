/** `spillway serve`: the gateway, until it is told to stop. */
import type { Gateway } from '../gateway/serve.ts'
import { type AddCommand, addCommand, type CliContext } from './context.ts'
import { policyOrDetected } from './detected-policy.ts'
import { addressesOf, runGateway, untilStopped } from './gateway-run.ts'
import { exposureOf } from './policy-exposure.ts'
import { findPolicyFile } from './policy-lookup.ts'
import { portNumber } from './port-number.ts'

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
  const serving: Serving = {
    ...(flags.policy !== undefined && { policy: flags.policy }),
    ...(flags.host !== undefined && { host: flags.host }),
    ...(port !== null && { port }),
  }
  await whileServing(serving, context, async (gateway) => {
    const { url, openaiBaseUrl, dashboardUrl, keyFile } = addressesOf(gateway)
    if (flags.json) context.terminal.json({ url, dashboardUrl, keyFile })
    else context.terminal.print(`listening on ${openaiBaseUrl}, key in ${keyFile}`)
    await untilStopped(context)
  })
}

interface Serving {
  readonly policy?: string
  /** In place of the policy's; port 0 picks a free one. */
  readonly host?: string
  readonly port?: number
}

/**
 * Runs the gateway for as long as `use` takes.
 *
 * @throws RouterError what the policy, the state directory or the port have against it; whatever `use` throws
 */
async function whileServing(
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
    log: (line: string) => context.terminal.say(line),
  }
  await runGateway(run, context, ({ gateway }) => use(gateway))
}
