/** `spillway audit content | events`: full texts that debug replay kept, and who read or deleted what, or moved a stage. */
import { resolvePaths } from '../models/paths.ts'
import { messageText } from '../spec/request.ts'
import { type AddCommand, addCommand, type CliContext } from './context.ts'
import { sinceMs } from './duration.ts'
import { printResult } from './terminal.ts'

interface ContentFlags {
  readonly since: string
  readonly json?: true
}

export const addAuditContent: AddCommand = (audit, context) => {
  addCommand(
    audit,
    'content <requestId>',
    'the texts that audit.content: replay kept; needs the key, and is logged',
  ).action((requestId: string, flags: ContentFlags) => content(requestId, flags, context))
  addCommand(audit, 'events', 'who read kept texts, what was deleted, and which stages were moved')
    .option('--since <span>', 'a span such as 24h or 30d, or a date', '30d')
    .action((flags: ContentFlags) => events(flags, context))
}

async function content(requestId: string, flags: ContentFlags, context: CliContext): Promise<void> {
  const [{ contentSealer }, { readContent }] = await Promise.all([
    import('../stores/sealed-content.ts'),
    import('../stores/kept-content.ts'),
  ])
  const sealer = contentSealer(context.env)
  const value = readContent(resolvePaths(context.env, process.platform).stateDir, requestId, sealer)
  const { request, answer, draft } = value
  const lines = [
    ...request.messages.map((message) => `${message.role}: ${messageText(message)}`),
    ...(draft === null || draft === answer?.text ? [] : [`(local draft) ${draft}`]),
    answer === null ? '(no answer)' : `answer: ${answer.text ?? JSON.stringify(answer.toolCalls)}`,
  ]
  printResult({ json: flags.json, value, lines }, context.terminal)
}

async function events(flags: ContentFlags, context: CliContext): Promise<void> {
  const { readEvents } = await import('../stores/kept-content.ts')
  const since = sinceMs(flags.since, Date.now())
  const found = readEvents(resolvePaths(context.env, process.platform).stateDir, since)
  if (found.length === 0 && !flags.json) context.terminal.say('Nothing was read or deleted.')
  const lines = found.map(({ at, by, kind, what }) => {
    const told = Object.entries(what).flatMap(([name, value]) => (value === null ? [] : `${name} ${value}`))
    return `${at} ${by} ${kind} ${told.join(', ')}`
  })
  printResult({ json: flags.json, value: found, lines }, context.terminal)
}
