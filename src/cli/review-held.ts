/** `spillway review held`: people answer, release or refuse requests that nobody may answer. */
import { userInfo } from 'node:os'
import type { Command } from 'commander'
import { resolvePaths } from '../models/paths.ts'
import { HELD_STATES } from '../spec/held.ts'
import { messageText, type RouterRequest } from '../spec/request.ts'
import type { ToldHeld } from '../spec/router.ts'
import { addCommand, type CliContext } from './context.ts'
import { type DeskInUse, deskOnServer } from './desk-on-server.ts'
import { usage } from './failure.ts'
import { withRouter } from './open-router.ts'
import { findPolicy } from './policy-lookup.ts'
import { writtenText } from './request-options.ts'
import { runningServer } from './running-server.ts'
import { renderTable } from './table.ts'
import { printResult } from './terminal.ts'

interface HeldFlags {
  readonly state: string
  readonly task?: string
  readonly text?: string
  readonly file?: string
  readonly to?: string
  readonly why?: string
  readonly by?: string
  readonly policy?: string
  readonly json?: true
}

export function addReviewHeld(review: Command, context: CliContext): void {
  const group = review.command('held').description('requests that nobody may answer: answer, release or refuse them')
  group
    .command('list', { isDefault: true })
    .description('what waits for a decision, the oldest first')
    .option('--json', 'print JSON on stdout; an error is a JSON object on the last line of stderr')
    .option('--state <state>', `${HELD_STATES.join(', ')}, or all`, 'waiting')
    .option('--task <name>', 'only requests of this task')
    .option('--policy <file>', 'the policy file to use')
    .action((flags: HeldFlags) => list(flags, context))
  const decide = (nameAndArguments: string, description: string): Command =>
    addCommand(group, nameAndArguments, description)
      .option('--by <name>', 'who decides; default: the user of this machine')
      .option('--policy <file>', 'the policy file to use')
  decide('show <id>', 'what was asked, where review.keep keeps it; is logged').action((id: string, flags: HeldFlags) =>
    show(id, flags, context),
  )
  decide('answer <id>', 'the answer that its caller gets; a pipe is read where neither --text nor --file is given')
    .option('--text <answer>', 'the answer')
    .option('--file <file>', 'a file with the answer; - reads stdin')
    .option('--why <text>', 'why; kept with it')
    .action((id: string, flags: HeldFlags) => answer(id, flags, context))
  decide('release <id>', 'let a model answer all the same, or its caller send it again where its text is not kept')
    .option('--to <model>', 'local, frontier, or a model of the policy; default: the router chooses')
    .requiredOption('--why <text>', 'why; kept with it')
    .action((id: string, flags: HeldFlags) => release(id, flags, context))
  decide('refuse <id>', 'it gets no answer')
    .requiredOption('--why <text>', 'why; its caller is told')
    .action((id: string, flags: HeldFlags) => refuse(id, flags, context))
}

async function list(flags: HeldFlags, context: CliContext): Promise<void> {
  const states = flags.state === 'all' ? HELD_STATES : HELD_STATES.filter((known) => known === flags.state)
  if (states.length === 0) throw usage(`--state ${flags.state} is not known`, `Use ${HELD_STATES.join(', ')} or all.`)
  const { task } = flags
  const found = await withDesk(flags, context, (desk) => desk.list({ states, ...(task !== undefined && { task }) }))
  if (found.length === 0 && !flags.json) context.terminal.say('Nothing is held.')
  const rows = found.map((one) => [
    one.id,
    one.task,
    one.state,
    one.reason,
    one.receivedAt,
    one.expiresAt,
    one.hasText ? 'yes' : 'no',
    one.decision ? `${one.decision.by}: ${one.decision.why}` : (one.lastTry?.why ?? one.detail ?? ''),
  ])
  const headings = ['request', 'task', 'state', 'reason', 'received', 'expires', 'text', 'about']
  const lines =
    found.length === 0
      ? []
      : renderTable(headings, rows, { columns: context.terminal.columns, whole: ['request', 'state'] })
  printResult({ json: flags.json, value: { held: found }, lines }, context.terminal)
}

async function show(id: string, flags: HeldFlags, context: CliContext): Promise<void> {
  const request = await withDesk(flags, context, (desk) => desk.text(id, { by: whoDecides(flags) }))
  printResult({ json: flags.json, value: { id, request }, lines: linesOf(request) }, context.terminal)
}

function linesOf({ messages }: RouterRequest): readonly string[] {
  return messages.map((message) => `${message.role}: ${messageText(message)}`)
}

async function answer(id: string, flags: HeldFlags, context: CliContext): Promise<void> {
  const { text: prompt, file } = flags
  if (prompt !== undefined && file !== undefined) throw usage('--text and --file exclude each other', 'Give one.')
  const written = await writtenText([], {
    ...(prompt !== undefined && { prompt }),
    ...(file !== undefined && { file }),
  })
  const text = written.replace(/\r?\n$/, '')
  if (text.trim() === '') throw usage('there is no answer', 'Give --text, --file, or pipe it in.')
  const given = { text, by: whoDecides(flags), ...(flags.why !== undefined && { why: flags.why }) }
  tell(await withDesk(flags, context, (desk) => desk.answer(id, given)), flags, context)
}

async function release(id: string, flags: HeldFlags, context: CliContext): Promise<void> {
  const { to, why = '' } = flags
  const given = { by: whoDecides(flags), why, signal: context.signal, ...(to !== undefined && { to }) }
  const held = await withDesk(flags, context, (desk) => desk.release(id, given))
  tell(held, flags, context)
  if (held.state === 'released' && !flags.json)
    context.terminal.say(`Its text is not kept: its caller sends it again with the header x-spillway-held: ${id}`)
}

async function refuse(id: string, flags: HeldFlags, context: CliContext): Promise<void> {
  const given = { by: whoDecides(flags), why: flags.why ?? '' }
  tell(await withDesk(flags, context, (desk) => desk.refuse(id, given)), flags, context)
}

function tell(held: ToldHeld, { json }: HeldFlags, { terminal }: CliContext): void {
  const { id, state, decision, outcome } = held
  const by = outcome?.decision.model ? `, by ${outcome.decision.model}: ${outcome.answer ?? ''}` : ''
  printResult({ json, value: held, lines: [`${id}: ${state} (${decision?.by ?? ''})${by}`] }, terminal)
}

function whoDecides({ by }: HeldFlags): string {
  const name = (by ?? userInfo().username).trim()
  if (name === '') throw usage('--by names nobody', 'Name who decides.')
  return name
}

/** The running server decides with its own policy and keys; without one this process does. */
async function withDesk<T>(
  flags: HeldFlags,
  context: CliContext,
  use: (desk: DeskInUse) => T | Promise<T>,
): Promise<T> {
  const server = await runningServer(resolvePaths(context.env, process.platform).stateDir)
  if (server) return use(deskOnServer(server, context.signal))
  return withRouter(findPolicy(flags.policy, context), context, ({ held }) =>
    use({ ...held, list: async (query) => held.list(query) }),
  )
}
