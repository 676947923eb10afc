/** `spillway doctor`: what works on this machine, what does not, and what to do about it. */
import { resolvePaths } from '../models/paths.ts'
import { toRouterError } from '../spec/errors.ts'
import { type AddCommand, addCommand, type CliContext } from './context.ts'
import { buddyChecks } from './doctor-buddies.ts'
import type { Check, Repair } from './doctor-check.ts'
import { homeChecks, recordChecks } from './doctor-files.ts'
import { keyCalls } from './doctor-keys.ts'
import { diskChecks, memoryCheck, nodeCheck, npmCheck, pythonCheck } from './doctor-machine.ts'
import { hubCheck, portCheck } from './doctor-network.ts'
import { pluginChecks } from './doctor-plugins.ts'
import { destinationChecks, proxyChecks } from './doctor-privacy.ts'
import { serverChecks } from './doctor-servers.ts'
import { auditCheck, engineCheck, keyChecks, modelChecks, policyCheck, runnableCheck } from './doctor-spillway.ts'
import { verifyChecks } from './doctor-verify.ts'
import { ExitCode, usage } from './failure.ts'
import { serversCheck } from './models-servers.ts'
import { stopCheckChecks } from './stop-checks.ts'
import { tenantCeilingChecks } from './tenant-ceilings.ts'
import type { Terminal } from './terminal.ts'
import { waysOut, waysOutLines } from './ways-out.ts'

interface DoctorFlags {
  readonly policy?: string
  readonly network?: true
  readonly fix?: true
  readonly install?: true
  readonly json?: true
}

const FAILURE = 1
const NOTHING_TO_RUN_ON = 3

export const addDoctor: AddCommand = (program, context) => {
  const doctorCommand = addCommand(program, 'doctor', 'check this machine: engine, models, keys, disk, memory, port')
  doctorCommand
    .option('--policy <file>', 'the policy file to check against')
    .option(
      '--network',
      'also ask the model hub, for 5 seconds at most, and whether keys are taken, which costs nothing',
    )
    .option('--fix', 'do what can safely be done, and say what was done')
    .option('--install', 'with --fix: also fetch the engine and the models that are missing')
    .action((flags: DoctorFlags) => doctor(flags, context))
  addCommand(
    doctorCommand,
    'client <name>',
    'which setting decides where a client asks, and whether that is here',
  ).action((name: string, flags: Pick<DoctorFlags, 'json'>) => client(name, flags, context))
}

async function client(name: string, flags: Pick<DoctorFlags, 'json'>, context: CliContext): Promise<void> {
  const { doctorClient, requireReach } = await import('./doctor-client.ts')
  const found = await doctorClient(name, context)
  if (flags.json) context.terminal.json({ ok: found.reaches, ...found })
  else {
    for (const check of found.checks) printCheck(check, context.terminal)
    for (const { where, key, value } of found.overridden)
      context.terminal.print(`     weaker         ${where}: ${key} = ${value}`)
  }
  requireReach(found)
}

async function doctor(flags: DoctorFlags, context: CliContext): Promise<void> {
  if (flags.install && !flags.fix) throw usage('--install belongs to --fix', 'Run `spillway doctor --fix --install`.')
  const first = await inspect(flags, context)
  const repaired = flags.fix ? await repair(first.checks, flags) : []
  const { checks, runnable } = repaired.length > 0 ? await inspect(flags, context) : first
  const ok = checks.every((check) => check.state !== 'fail')
  const isCutOff = checks.some(({ name, state }) => name === 'hub' && state !== 'ok')
  const failedFetch = repaired.some(({ failed }) => failed !== null && failed.kind === 'download')
  const ways = isCutOff || failedFetch ? waysOut(context) : []
  if (flags.json)
    context.terminal.json({
      ok,
      checks: checks.map(({ repair: _, ...check }) => check),
      fixed: repaired.map(({ name, did, failed }) => ({ name, did, problem: failed?.problem ?? null })),
      waysOut: ways,
    })
  else {
    for (const { name, did, failed } of repaired)
      context.terminal.print(`${failed ? 'not fixed' : 'fixed'} ${name}: ${did ?? failed?.problem}`)
    for (const check of checks) printCheck(check, context.terminal)
    if (ways.length > 0) for (const line of waysOutLines(ways)) context.terminal.print(line)
  }
  if (!runnable) throw new ExitCode(NOTHING_TO_RUN_ON)
  if (!ok) throw new ExitCode(FAILURE)
}

interface Repaired {
  readonly name: string
  /** Null when it failed. */
  readonly did: string | null
  readonly failed: { readonly kind: Repair['kind']; readonly problem: string } | null
}

/** One after the other: a model is tried with the engine that was installed before it. */
async function repair(checks: readonly Check[], flags: DoctorFlags): Promise<readonly Repaired[]> {
  const done: Repaired[] = []
  for (const { name, repair: own } of checks) {
    if (!own || (own.kind === 'download' && !flags.install)) continue
    try {
      done.push({ name, did: await own.run(), failed: null })
    } catch (error) {
      const { message, fix } = toRouterError(error)
      done.push({ name, did: null, failed: { kind: own.kind, problem: `${message} ${fix}` } })
    }
  }
  return done
}

interface Findings {
  readonly checks: readonly Check[]
  /** At least one model could answer. */
  readonly runnable: boolean
}

async function inspect(flags: DoctorFlags, context: CliContext): Promise<Findings> {
  const paths = resolvePaths(context.env, process.platform)
  const place = { paths, env: context.env, signal: context.signal }
  const { check: policy, loaded } = await policyCheck(flags.policy, context)
  const engine = await engineCheck(place, context)
  const models = modelChecks(loaded, place, context)
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
    ...homeChecks(place),
    ...(await recordChecks(place)),
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
    ...(flags.network ? [await hubCheck(place), ...(await keyCalls(loaded, place))] : []),
    await portCheck(loaded, paths),
    await serversCheck(place),
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
