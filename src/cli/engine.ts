/** `spillway engine install | status | stop`. */
import { Option } from 'commander'
import { engineState } from '../models/embedded/install.ts'
import type { HostStatus } from '../models/embedded/protocol.ts'
import { resolvePaths } from '../models/paths.ts'
import { type AddCommand, addCommand, type CliContext } from './context.ts'
import { hostStatus, stopHost } from './engine-host.ts'
import { ExitCode } from './failure.ts'
import { getEngine } from './get-local.ts'

interface EngineFlags {
  readonly variant: 'cpu'
  readonly json?: true
}

const NOTHING_TO_RUN_ON = 3

export const addEngine: AddCommand = (program, context) => {
  const engine = program.command('engine').description('the embedded engine that runs local models')
  const variant = (): Option => new Option('--variant <name>', 'which binaries').choices(['cpu']).default('cpu')
  addCommand(engine, 'install', 'install the engine into the data directory, and test it')
    .addOption(variant())
    .action((flags: EngineFlags) => install(flags, context))
  addCommand(engine, 'status', 'whether the engine is installed and running')
    .addOption(variant())
    .action((flags: EngineFlags) => status(flags, context))
  addCommand(engine, 'stop', 'stop the engine host; the next request starts it again').action((flags: EngineFlags) =>
    stop(flags, context),
  )
}

async function install(flags: EngineFlags, context: CliContext): Promise<void> {
  const state = await getEngine(context)
  if (flags.json) context.terminal.json(state)
  else context.terminal.print(`engine ${state.version} (${state.variant}) is installed in ${state.path}`)
}

async function status(flags: EngineFlags, context: CliContext): Promise<void> {
  const state = await engineState(resolvePaths(context.env, process.platform), flags.variant)
  const host = state.installed ? await hostStatus(context) : null
  if (flags.json) context.terminal.json({ ...state, host })
  else {
    context.terminal.print(`engine ${state.version} (${state.variant}): ${state.why ?? `installed in ${state.path}`}`)
    context.terminal.print(host ? hostText(host) : 'host: not running; the next request starts it')
  }
  if (!state.installed) throw new ExitCode(NOTHING_TO_RUN_ON)
}

function hostText(host: HostStatus): string {
  const minutes = Math.floor(host.uptimeMs / 60_000)
  return `host: process ${host.pid}, up ${minutes} min, ${Math.round(host.residentBytes / 1_000_000)} MB, ${host.models.length} models loaded`
}

async function stop(flags: Pick<EngineFlags, 'json'>, context: CliContext): Promise<void> {
  const pid = await stopHost(context)
  if (flags.json) return context.terminal.json({ stopped: pid !== null, pid })
  context.terminal.print(
    pid === null ? 'The engine host was not running.' : `The engine host (process ${pid}) was stopped.`,
  )
}
