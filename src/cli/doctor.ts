/** `spillway doctor`: what works on this machine, what does not, and what to do about it. */
import { resolvePaths } from '../models/paths.ts'
import { type AddCommand, addCommand, type CliContext } from './context.ts'
import { buddyChecks } from './doctor-buddies.ts'
import type { Check } from './doctor-check.ts'
import { diskChecks, memoryCheck, nodeCheck, npmCheck, pythonCheck } from './doctor-machine.ts'
import { hubCheck, portCheck } from './doctor-network.ts'
import { pluginChecks } from './doctor-plugins.ts'
import { destinationChecks, proxyChecks } from './doctor-privacy.ts'
import { serverChecks } from './doctor-servers.ts'
import { auditCheck, engineCheck, keyChecks, modelChecks, policyCheck, runnableCheck } from './doctor-spillway.ts'
import { verifyChecks } from './doctor-verify.ts'
import { ExitCode } from './failure.ts'
import { serversCheck } from './models-servers.ts'
import { stopCheckChecks } from './stop-checks.ts'
import { tenantCeilingChecks } from './tenant-ceilings.ts'
import type { Terminal } from './terminal.ts'

interface DoctorFlags {
  readonly policy?: string
  readonly network?: true
  readonly json?: true
}

const FAILURE = 1
const NOTHING_TO_RUN_ON = 3

export const addDoctor: AddCommand = (program, context) => {
  addCommand(program, 'doctor', 'check this machine: engine, models, keys, disk, memory, port')
    .option('--policy <file>', 'the policy file to check against')
    .option('--network', 'also ask the model hub, for 5 seconds at most')
    .action((flags: DoctorFlags) => doctor(flags, context))
}

async function doctor(flags: DoctorFlags, context: CliContext): Promise<void> {
  const { checks, runnable } = await inspect(flags, context)
  const ok = checks.every((check) => check.state !== 'fail')
  if (flags.json) context.terminal.json({ ok, checks })
  else for (const check of checks) printCheck(check, context.terminal)
  if (!runnable) throw new ExitCode(NOTHING_TO_RUN_ON)
  if (!ok) throw new ExitCode(FAILURE)
}

interface Findings {
  readonly checks: readonly Check[]
  /** At least one model could answer. */
  readonly runnable: boolean
}

async function inspect(flags: DoctorFlags, context: CliContext): Promise<Findings> {
  const paths = resolvePaths(context.env, process.platform)
  const place = { paths, env: context.env, signal: context.signal }
  const { check: policy, loaded } = policyCheck(flags.policy, context)
  const engine = await engineCheck(place)
  const models = modelChecks(loaded, place)
  const keys = keyChecks(loaded)
  const answers = runnableCheck({ loaded, engine, models })
  const checks = [
    nodeCheck(process.versions.node),
    await npmCheck(place),
    await pythonCheck(place),
    engine,
    ...models,
    memoryCheck(loaded, process.availableMemory()),
    ...diskChecks(paths),
    await auditCheck(paths),
    ...(await serverChecks(loaded, paths)),
    policy,
    ...keys,
    ...destinationChecks(loaded),
    ...proxyChecks(loaded, context.env),
    ...tenantCeilingChecks(loaded, paths),
    ...stopCheckChecks(loaded),
    ...buddyChecks(loaded, paths),
    ...verifyChecks(loaded),
    ...pluginChecks(loaded),
    ...(flags.network ? [await hubCheck(place)] : []),
    await portCheck(loaded, paths),
    await serversCheck(context.signal),
    answers,
  ]
  return { checks, runnable: answers.state !== 'fail' }
}

const STYLES = { ok: 'green', warn: 'yellow', fail: 'red' } as const

/** Findings are the data of this command, so they go to stdout; colour is decided by stderr and left out in a pipe. */
function printCheck(check: Check, terminal: Terminal): void {
  const state = process.stdout.isTTY
    ? terminal.paint(STYLES[check.state], check.state.padEnd(4))
    : check.state.padEnd(4)
  terminal.print(`${state} ${check.name.padEnd(14)} ${check.why}`)
  if (check.state !== 'ok' && check.fix) terminal.print(`${' '.repeat(20)}${check.fix}`)
}
