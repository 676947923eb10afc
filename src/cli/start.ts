/** `spillway` alone: look around, plan, try each model once, serve. Writes no configuration. */
import { resolvePaths } from '../models/paths.ts'
import type { LoadedPolicy } from '../spec/policy.ts'
import { type AddCommand, addCommand, type CliContext } from './context.ts'
import { type Found, findAround } from './found.ts'
import { type Plan, planFrom } from './found-plan.ts'
import { portNumber } from './port-number.ts'
import { planned } from './start-plan.ts'
import { type Tests, tryModels } from './start-tests.ts'
import { foundLines, nextLines, planLines, readyLines, testLines } from './start-text.ts'

interface StartFlags {
  readonly port?: string
  readonly policy?: string
  /** False with `--no-test`. */
  readonly test: boolean
  readonly json?: true
}

export const addStart: AddCommand = (program, context) => {
  addCommand(program, 'start', 'what `spillway` alone does: look around, plan, try each model once, serve')
    .option(
      '--port <number>',
      'default: gateway.port of the policy, or a free one when that is taken; 0 picks a free one',
    )
    .option('--policy <file>', 'the policy file to use, instead of what is on this machine')
    .option('--no-test', 'ask no model; the one request to a frontier costs a fraction of a cent')
    .action((flags: StartFlags) => start(flags, context))
}

async function start(flags: StartFlags, context: CliContext): Promise<void> {
  const { terminal } = context
  const tell = (lines: readonly string[]): void => {
    if (!flags.json) for (const line of lines) terminal.print(line)
  }
  const port = flags.port === undefined ? null : portNumber(flags.port)
  const found = await findAround(context)
  tell(foundLines(found))
  // Loaded only now: the first line is there before what reads policies and serves.
  const [{ addressesOf, runGateway, untilStopped }, { policy, file, plan }] = await Promise.all([
    import('./gateway-run.ts'),
    policyOf(found, flags, context),
  ])
  const view = planned({ policy, file, plan, found })
  tell(planLines(view))
  const settings = policy.policy.gateway
  const run = {
    ...{ policy, file },
    host: LOOPBACK,
    port: port ?? settings.port,
    portTaken: port === null ? ('take_another' as const) : ('fail' as const),
    // What was asked is in the audit; a person who tries things out is not served by a line a request.
    log: () => undefined,
  }
  await runGateway(run, context, async ({ gateway, router }) => {
    const tests: Tests = flags.test ? await tryModels(router, view, context.signal) : NOT_TRIED
    if (context.signal.aborted) return
    const addresses = addressesOf(gateway)
    const { stateDir } = resolvePaths(context.env, process.platform)
    tell([...testLines(tests, view), ...readyLines(addresses), ...nextLines({ view, stateDir })])
    if (flags.json) terminal.json({ found, plan: view, tests, ...addresses, stateDir })
    await untilStopped(context)
  })
}

/** Other machines are served on purpose, by `spillway serve --host`. */
const LOOPBACK = '127.0.0.1'
const NOT_TRIED: Tests = { local: null, frontier: null }

interface PolicyUsed {
  readonly policy: LoadedPolicy
  /** Null when there is none and the plan is what was found. */
  readonly file: string | null
  readonly plan: Plan | null
}

async function policyOf(found: Found, flags: StartFlags, context: CliContext): Promise<PolicyUsed> {
  const [{ findPolicyFile }, { detectedPolicy, detectedText }, { loadPolicyFile }] = await Promise.all([
    import('./policy-lookup.ts'),
    import('./detected-policy.ts'),
    import('../stores/policy-file.ts'),
  ])
  const file = findPolicyFile(flags.policy, context)
  if (file !== null) return { policy: loadPolicyFile(file, context.env), file, plan: null }
  const plan = planFrom(found, context.env)
  return { policy: detectedPolicy(detectedText(plan), context), file: null, plan }
}
