/** `spillway launch`: starts a client with the environment that brings it here, and nothing of the user's changed. */
import { resolvePaths } from '../models/paths.ts'
import { type AddCommand, addCommand, type CliContext } from './context.ts'
import { ExitCode, usage } from './failure.ts'
import { type GrantFlags, grantOf } from './key-grant.ts'
import { type Child, childOf, clientNamed } from './launch/child.ts'
import type { ClientPlace, Door } from './launch/client.ts'
import { type Origin, whileOpen } from './launch/door.ts'
import { placeOf } from './launch/place.ts'
import { runChild } from './launch/run-child.ts'
import { runningServer } from './running-server.ts'
import { printResult } from './terminal.ts'

interface LaunchFlags extends Pick<GrantFlags, 'tasks' | 'models' | 'partition' | 'budgetDay' | 'rate'> {
  readonly policy?: string
  readonly print?: true
  readonly write?: true
  readonly undo?: true
  readonly json?: true
}

const EXAMPLES = `
Clients: claude, codex, aider, opencode, continue; anything else is a command that reads OPENAI_BASE_URL or
ANTHROPIC_BASE_URL. Options stand before the name; what stands after it belongs to the client.
  spillway launch claude
  spillway launch --budget-day 2 codex exec "why does the build fail?"
  spillway launch node agent.mjs`

export const addLaunch: AddCommand = (program, context) => {
  addCommand(
    program,
    'launch <client> [args...]',
    'start a client that asks this gateway; its environment alone is set',
  )
    .passThroughOptions()
    .option('--print', 'show the environment and the command, with keys masked, and start nothing')
    .option('--write', "change the client's own configuration file instead; shows the change and keeps a backup")
    .option('--undo', 'take back what --write changed')
    .option('--policy <file>', 'run a gateway of its own under this policy')
    .option('--tasks <names>', 'the key of the child may use these tasks only')
    .option('--models <names>', 'the key of the child may use these models or tiers only')
    .option('--partition <partition>', 'at least this strict: public, internal or local_only')
    .option('--budget-day <usd>', 'US dollars a day that the child may spend')
    .option('--rate <n/min>', 'requests a minute')
    .addHelpText('after', EXAMPLES)
    .action((name: string, words: readonly string[], flags: LaunchFlags) => launch({ name, words, flags }, context))
}

interface Wish {
  readonly name: string
  readonly words: readonly string[]
  readonly flags: LaunchFlags
}

async function launch(wish: Wish, context: CliContext): Promise<void> {
  const { name, words, flags } = wish
  const ways = (['print', 'write', 'undo'] as const).filter((way) => flags[way])
  if (ways.length > 1) throw usage(`--${ways.join(' and --')} exclude each other`, 'Give one of them.')
  const place = placeOf(context)
  if (flags.write || flags.undo) {
    const { changeConfig } = await import('./launch/change-config.ts')
    return changeConfig(
      { name, undo: flags.undo === true, grant: grantOf(flags), json: flags.json, policy: flags.policy },
      place,
      context,
    )
  }
  if (flags.print) return print(wish, place, context)
  // Before anything is started: a client that is not there needs no gateway.
  childOf({ name, words }, NOWHERE, place)
  const settings = { client: name, grant: grantOf(flags), ...(flags.policy !== undefined && { policy: flags.policy }) }
  let exitCode = 0
  await whileOpen(settings, context, async (door, origin) => {
    const child = childOf({ name, words }, door, place)
    tell({ child, door, origin }, flags, context)
    exitCode = await runChild(child, place)
  })
  if (exitCode !== 0) throw new ExitCode(exitCode)
}

const NOWHERE: Door = { url: 'http://127.0.0.1:0', key: '' }

interface Started {
  readonly child: Child
  readonly door: Door
  readonly origin: Origin
}

const ORIGINS: Readonly<Record<Origin, string>> = {
  running: 'the gateway that runs',
  started: 'a gateway of its own, which ends with it',
  around: 'the gateway that it was launched under',
}

/** On stderr: stdout is the child's. */
function tell({ child, door, origin }: Started, flags: LaunchFlags, { terminal }: CliContext): void {
  if (flags.json) {
    terminal.say(JSON.stringify({ launched: described(child, door.key), url: door.url, gateway: origin }))
    return
  }
  const without = child.unset.length === 0 ? '' : `; without ${child.unset.join(', ')}`
  terminal.say(`${child.name} asks ${door.url} (${ORIGINS[origin]})${without}.`)
}

async function print({ name, words, flags }: Wish, place: ClientPlace, context: CliContext): Promise<void> {
  const { stateDir } = resolvePaths(context.env, process.platform)
  const server = await runningServer(stateDir)
  const url = server && !server.temporary ? server.url : null
  const door = { url: url ?? UNKNOWN_URL, key: MASKED }
  const child = childOf({ name, words }, door, place)
  const shown = described(child, MASKED)
  const lines = [
    ...Object.entries(shown.set).map(([variable, value]) => `set    ${variable}=${value}`),
    ...shown.unset.map((variable) => `unset  ${variable}`),
    `run    ${[shown.program, ...shown.args].map(quoted).join(' ')}`,
    ...child.files.flatMap(({ path, text }) => [
      `file   ${path} (for the child alone, removed after it)`,
      ...text
        .trimEnd()
        .split('\n')
        .map((line) => `       ${line}`),
    ]),
  ]
  printResult({ json: flags.json, value: { ...shown, url, files: child.files }, lines }, context.terminal)
  if (url === null)
    context.terminal.say('No gateway runs: launch starts one on a free PORT, which ends with the client.')
  const client = clientNamed(name)
  if (client) {
    const { file } = client.written(door, place)
    context.terminal.say(`Nothing is written. --write would change ${file}.`)
  }
}

const MASKED = 'spw_…'
const UNKNOWN_URL = 'http://127.0.0.1:PORT'

interface Described {
  readonly client: string
  readonly program: string
  readonly args: readonly string[]
  readonly set: Readonly<Record<string, string>>
  readonly unset: readonly string[]
}

function described({ name, program, args, set, unset }: Child, key: string): Described {
  const masked = (text: string): string => (key === '' ? text : text.replaceAll(key, MASKED))
  const values = Object.entries(set).map(([variable, value]) => [variable, masked(value)] as const)
  return { client: name, program, args: args.map(masked), set: Object.fromEntries(values), unset }
}

function quoted(word: string): string {
  return /^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`
}
