/** `spillway kill`: takes a path out of service within a second, and puts it back. */
import { userInfo } from 'node:os'
import { resolvePaths } from '../models/paths.ts'
import { systemClock } from '../pipeline/clock.ts'
import { giveOrder } from '../spec/kill-switch.ts'
import { closest } from '../spec/suggest.ts'
import { type KillSwitchStore, openKillSwitch } from '../stores/kill-switch.ts'
import { type AddCommand, addCommand, type CliContext } from './context.ts'
import { usage } from './failure.ts'

interface KillFlags {
  readonly task?: string
  readonly tenant?: string
  readonly group?: string
  readonly reason?: string
  readonly json?: true
}

export const addKill: AddCommand = (program, context) => {
  addCommand(program, 'kill <order>', 'frontier_only, local_only or stop, at once; off puts it back; status shows it')
    .option('--task <name>', 'only requests of this task')
    .option('--tenant <name>', 'only requests of this tenant')
    .option('--group <name>', 'only requests of this group of users')
    .option('--reason <text>', 'why; kept with the order')
    .action((order: string, flags: KillFlags) => kill(order, flags, context))
}

async function kill(order: string, { json, ...flags }: KillFlags, context: CliContext): Promise<void> {
  const store = openKillSwitch(resolvePaths(context.env, process.platform).stateDir, systemClock.monotonicMs)
  if (order === 'status') {
    status(store, json, context)
    return
  }
  const by = { by: userInfo().username, at: new Date().toISOString() }
  const given = giveOrder(store, { order, ...flags }, by)
  if ('problem' in given) throw usage(given.problem, given.fix)
  if (given.notRecorded !== null)
    context.terminal.say(`The order holds, but the audit could not note it: ${given.notRecorded}`)
  if (json) context.terminal.json(given)
  else if (given.isChanged) context.terminal.print(`${given.scope}: ${order}`)
  else context.terminal.say(`There is no order for ${given.scope}.`)
  if (order !== 'off' && flags.task !== undefined) await warnOfUnknownTask(flags.task, context)
}

/** The order holds in any case: the task may be one of another policy, or one to come. */
async function warnOfUnknownTask(task: string, context: CliContext): Promise<void> {
  const known = await tasksOfPolicy(context)
  if (known === null || known.names.includes(task)) return
  const near = closest(task, known.names)
  const hint = near ? ` Did you mean ${near}?` : ''
  context.terminal.say(`Warning: ${known.file} has no task ${task}, so the order concerns nobody there.${hint}`)
}

interface KnownTasks {
  readonly file: string
  readonly names: readonly string[]
}

/** Null where there is no policy file that can be read: the order stands, and this is about a hint. */
async function tasksOfPolicy(context: CliContext): Promise<KnownTasks | null> {
  // After the order: an incident does not wait for what reads policies.
  const [{ findPolicyFile }, { loadPolicyFile }] = await Promise.all([
    import('./policy-lookup.ts'),
    import('../stores/policy-file.ts'),
  ])
  try {
    const file = findPolicyFile(undefined, context)
    if (file === null) return null
    const { tasks, routing } = loadPolicyFile(file, context.env).policy
    return { file, names: [...Object.keys(tasks), ...Object.keys(routing.actions)] }
  } catch {
    return null
  }
}

function status(store: KillSwitchStore, json: true | undefined, { terminal }: CliContext): void {
  const told = { orders: store.list(), history: store.history() }
  if (json) {
    terminal.json(told)
    return
  }
  if (told.orders.length === 0) terminal.say('No order is in force.')
  for (const { scope, mode, why, by, at } of told.orders)
    terminal.print(`${scope}: ${mode} since ${at} by ${by}: ${why}`)
}
