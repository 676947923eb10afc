/** `spillway kill`: takes a path out of service within a second, and puts it back. */
import { userInfo } from 'node:os'
import { resolvePaths } from '../models/paths.ts'
import { systemClock } from '../pipeline/clock.ts'
import { KILL_MODES, type KillMode } from '../spec/kill-switch.ts'
import { type KillSwitchStore, openKillSwitch } from '../stores/kill-switch.ts'
import { type AddCommand, addCommand, type CliContext } from './context.ts'
import { usage } from './failure.ts'

interface KillFlags {
  readonly task?: string
  readonly tenant?: string
  readonly reason?: string
  readonly json?: true
}

export const addKill: AddCommand = (program, context) => {
  addCommand(program, 'kill <order>', 'frontier_only, local_only or stop, at once; off puts it back; status shows it')
    .option('--task <name>', 'only requests of this task')
    .option('--tenant <name>', 'only requests of this tenant')
    .option('--reason <text>', 'why; kept with the order')
    .action((order: string, flags: KillFlags) => kill(order, flags, context))
}

function kill(order: string, flags: KillFlags, context: CliContext): void {
  const store = openKillSwitch(resolvePaths(context.env, process.platform).stateDir, systemClock.monotonicMs)
  if (order === 'status') {
    status(store, flags, context)
    return
  }
  const mode = KILL_MODES.find((known) => known === order)
  if (!mode && order !== 'off')
    throw usage(`there is no order ${order}`, `Use ${KILL_MODES.join(', ')}, off or status.`)
  const given = {
    scope: scopeOf(flags),
    why: reasonOf(flags, mode),
    by: userInfo().username,
    at: new Date().toISOString(),
  }
  const isChanged = mode !== undefined || store.lift(given)
  if (mode) store.give({ ...given, mode })
  if (flags.json) context.terminal.json({ ...given, order, isChanged })
  else if (isChanged) context.terminal.print(`${given.scope}: ${order}`)
  else context.terminal.say(`There is no order for ${given.scope}.`)
}

function scopeOf({ task, tenant }: KillFlags): string {
  if (task !== undefined && tenant !== undefined)
    throw usage('--task and --tenant exclude each other', 'Give one of them.')
  if (task !== undefined) return `task:${task}`
  return tenant === undefined ? 'all' : `tenant:${tenant}`
}

/** Whoever finds the switch thrown has to know why. */
function reasonOf({ reason }: KillFlags, mode: KillMode | undefined): string {
  const text = reason?.trim() ?? ''
  if (text === '' && mode) throw usage('an order needs a reason', 'Add --reason "what happened".')
  return text.replace(/\.$/, '')
}

function status(store: KillSwitchStore, flags: KillFlags, { terminal }: CliContext): void {
  const told = { orders: store.list(), history: store.history() }
  if (flags.json) {
    terminal.json(told)
    return
  }
  if (told.orders.length === 0) terminal.say('No order is in force.')
  for (const { scope, mode, why, by, at } of told.orders)
    terminal.print(`${scope}: ${mode} since ${at} by ${by}: ${why}`)
}
