/** `spillway tasks discover | suggest`: untyped traffic as tasks to review. */
import { LOG_FORMATS, type LogFormat } from '../eval/import/log-formats.ts'
import { resolvePaths } from '../models/paths.ts'
import { loadPolicyFile } from '../stores/policy-file.ts'
import { type AddCommand, addCommand, type CliContext } from './context.ts'
import { sinceMs } from './duration.ts'
import { usage } from './failure.ts'
import { nameOf } from './json-lines.ts'
import { readKeptCalls } from './kept-calls.ts'
import { type FoundCall, readCalls } from './logged-calls.ts'
import { findPolicyFile } from './policy-lookup.ts'
import { suggestTask } from './tasks-suggest.ts'
import { jsonOf, summaryLines } from './tasks-text.ts'
import { modelsOfPolicy, type TrafficModels } from './traffic-models.ts'
import { leastOf, studyTraffic, type Traffic } from './traffic-study.ts'

interface TasksFlags {
  readonly since?: string
  readonly from?: string
  readonly format?: string
  readonly min?: string
  readonly policy?: string
  readonly skipBadLines?: true
  readonly json?: true
}

export const addTasks: AddCommand = (program, context) => {
  const tasks = program.command('tasks').description('tasks for traffic that names none')
  addCommand(tasks, 'discover', 'group untyped requests and propose a task for each group, as policy YAML to review')
    .option('--from <file>', 'JSON Lines of requests ({ wire, headers?, body }, or bodies alone); - reads stdin')
    .option('--format <format>', `how the file is written: ${LOG_FORMATS.join(', ')}`, 'jsonl')
    .option('--since <span>', "this machine's own requests since then whose texts were kept: 7d, 24h or a date")
    .option('--min <count>', 'propose groups of at least so many requests (default: 5)')
    .option(
      '--policy <file>',
      'take the models from this policy; --since without it takes them from the policy in force',
    )
    .option('--skip-bad-lines', 'leave out lines that are no requests, and say how many')
    .action((flags: TasksFlags) => discoverTasks(flags, context))
  addCommand(tasks, 'suggest <file>', 'the same for one request, as JSON; - reads stdin')
    .option('--policy <file>', 'take the models from this policy')
    .action((file: string, { policy, json }: TasksFlags) => {
      const models = modelsFor({ ...(policy !== undefined && { policy }), from: file }, context)
      return suggestTask(file, { models, json }, context)
    })
}

async function discoverTasks(flags: TasksFlags, context: CliContext): Promise<void> {
  const { terminal } = context
  const bad: string[] = []
  const traffic = trafficOf(flags, context, (problem) => bad.push(problem))
  const study = await studyTraffic(traffic, {
    leastRequests: leastOf(flags.min),
    models: modelsFor(flags, context),
    under: null,
  })
  if (study.read === 0) throw usage(`${traffic.from} holds no request`, 'Name a file with requests, or a longer span.')
  sayBadLines(bad, context)
  if (flags.json) return terminal.json(jsonOf(study, bad.length))
  for (const line of summaryLines(study)) terminal.say(line)
  terminal.print(study.policy.trimEnd())
}

export function sayBadLines(bad: readonly string[], { terminal }: CliContext): void {
  for (const problem of bad.slice(0, TOLD_LINES)) terminal.say(`left out: ${problem}`)
  if (bad.length > TOLD_LINES) terminal.say(`left out: ${bad.length - TOLD_LINES} more lines`)
}

const TOLD_LINES = 5

function trafficOf(
  { since, from, format, skipBadLines }: TasksFlags,
  context: CliContext,
  note: (problem: string) => void,
): Traffic {
  if ((since === undefined) === (from === undefined))
    throw usage('Either --from or --since says where the traffic is', 'Write --from FILE.jsonl, or --since 7d.')
  if (from !== undefined)
    return fileTraffic({ file: from, format: logFormat(format ?? 'jsonl'), ...(skipBadLines && { note }) })
  const { stateDir } = resolvePaths(context.env, process.platform)
  const kept = { stateDir, env: context.env, sinceMs: sinceMs(since ?? '', Date.now()) }
  return { first: asFound(readKeptCalls(kept)), again: null, from: `the traffic of this machine since ${since}` }
}

/** @throws RouterError usage */
export function logFormat(name: string): LogFormat {
  const known = LOG_FORMATS.find((format) => format === name)
  if (known) return known
  throw usage(`--format ${name} is not known`, `Known: ${LOG_FORMATS.join(', ')}.`)
}

async function* asFound(
  calls: AsyncIterable<Exclude<FoundCall, { skipped: unknown }>['call']>,
): AsyncGenerator<FoundCall> {
  for await (const call of calls) yield { call }
}

/** @param note is told of bad lines, at the first reading; without it they are errors */
export function fileTraffic({
  file,
  format,
  note,
}: {
  readonly file: string
  readonly format: LogFormat
  readonly note?: (problem: string) => void
}): Traffic {
  return {
    first: readCalls({ file, format, ...(note && { onBadLine: note }) }),
    again: file === '-' ? null : () => readCalls({ file, format, ...(note && { onBadLine: () => undefined }) }),
    from: nameOf(file),
  }
}

/** Kept texts do not say which provider was asked, so their models come from the policy. */
function modelsFor({ policy, from }: TasksFlags, context: CliContext): TrafficModels | null {
  const file = policy === undefined && from !== undefined ? null : findPolicyFile(policy, context)
  if (file === null) return null
  loadPolicyFile(file, context.env)
  return modelsOfPolicy(file)
}
