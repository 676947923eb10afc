/** `spillway policy override`: sets a setting of a task aside for a while, for incidents. */
import { userInfo } from 'node:os'
import type { Command } from 'commander'
import { resolvePaths } from '../models/paths.ts'
import { systemClock } from '../pipeline/clock.ts'
import { RouterError } from '../spec/errors.ts'
import type { TaskPolicy } from '../spec/policy.ts'
import { meant } from '../spec/suggest.ts'
import { OVERRIDE_KEYS, type OverrideChange, overrideNamed, type TaskOverride } from '../spec/task-override.ts'
import { openTaskOverrides, type TaskOverrideStore } from '../stores/task-overrides.ts'
import { addCommand, type CliContext } from './context.ts'
import { longSpanMs } from './duration.ts'
import { usage } from './failure.ts'
import { findPolicy } from './policy-lookup.ts'
import { printResult } from './terminal.ts'

interface OverrideFlags {
  readonly policy?: string
  readonly for?: string
  readonly why?: string
  readonly json?: true
}

export function addPolicyOverride(policy: Command, context: CliContext): void {
  const group = policy.command('override').description('set a setting of a task aside for a while, for incidents')
  addCommand(group, 'set <task> <key> <value>', `at once, until it expires: ${OVERRIDE_KEYS.join(', ')}`)
    .requiredOption('--for <span>', 'how long, such as 30m, 2h or 7d')
    .requiredOption('--why <text>', 'what happened; kept with it')
    .option('--policy <file>', 'the policy file to use')
    .action((task: string, key: string, value: string, flags: OverrideFlags) => set([task, key, value], flags, context))
  addCommand(group, 'clear <task> <key>', 'before its time')
    .option('--why <text>', 'why')
    .action((task: string, key: string, flags: OverrideFlags) => clear(task, key, flags, context))
  addCommand(group, 'list', 'what is set aside, by whom, why and until when').action((flags: OverrideFlags) =>
    list(flags, context),
  )
}

function set([task, key, value]: readonly [string, string, string], flags: OverrideFlags, context: CliContext): void {
  const { tasks } = findPolicy(flags.policy, context).policy
  const settings = Object.hasOwn(tasks, task) ? tasks[task] : undefined
  if (!settings) throw new RouterError('unknown_task', { task, fix: meant(task, Object.keys(tasks)) })
  const named = overrideNamed(key, value)
  if ('problem' in named) throw usage(named.problem, named.fix)
  if (named.key === 'minConfidence' && !isTyped(settings))
    throw usage(`minConfidence says nothing about ${task}, whose kind is ${settings.kind}`, 'Use route frontier.')
  const why = flags.why?.trim() ?? ''
  if (why === '') throw usage('--why says nothing', 'Say what happened.')
  const now = systemClock.epochMs()
  const until = new Date(now + longSpanMs('--for', flags.for ?? '')).toISOString()
  const override = { ...named, task, why, ...byMe(now), until } as TaskOverride
  const store = openStore(context)
  store.set(override)
  tell(store, override, context)
  const lines = [`${task}: ${key} ${value} until ${until}`]
  printResult({ json: flags.json, value: override, lines }, context.terminal)
}

/** Of other kinds no probability of an answer is read. */
function isTyped({ kind }: TaskPolicy): boolean {
  return kind !== 'text' && kind !== 'answer' && kind !== 'code'
}

function clear(task: string, text: string, flags: OverrideFlags, context: CliContext): void {
  const key = OVERRIDE_KEYS.find((known) => known === text)
  if (!key) throw usage(`${text} cannot be set aside`, `Use ${OVERRIDE_KEYS.join(' or ')}.`)
  const store = openStore(context)
  const change: OverrideChange = { task, key, value: null, why: flags.why ?? '', ...byMe(systemClock.epochMs()) }
  const isChanged = store.lift(change)
  if (isChanged) tell(store, change, context)
  else context.terminal.say(`Nothing is set aside for ${key} of ${task}.`)
  const lines = isChanged ? [`${task}: ${key} as the policy says`] : []
  printResult({ json: flags.json, value: { ...change, isChanged }, lines }, context.terminal)
}

function list(flags: OverrideFlags, context: CliContext): void {
  const store = openStore(context)
  const value = { overrides: store.list(), history: store.history() }
  if (value.overrides.length === 0 && !flags.json) context.terminal.say('Nothing is set aside.')
  const lines = value.overrides.map(
    ({ task, key, value: set, until, by, why }) => `${task}: ${key} ${set} until ${until} by ${by}: ${why}`,
  )
  printResult({ json: flags.json, value, lines }, context.terminal)
}

function openStore({ env }: CliContext): TaskOverrideStore {
  return openTaskOverrides(resolvePaths(env, process.platform).stateDir, systemClock)
}

function byMe(nowMs: number): { readonly by: string; readonly at: string } {
  return { by: userInfo().username, at: new Date(nowMs).toISOString() }
}

function tell(store: TaskOverrideStore, change: OverrideChange, { terminal }: CliContext): void {
  const problem = store.record(change)
  if (problem !== null) terminal.say(`It holds, but the audit could not note it: ${problem}`)
}
