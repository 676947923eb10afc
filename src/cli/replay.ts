/** `spillway replay`: what another policy would have decided on the requests of the past. */
import type { ReplayReport } from '../eval/replay/replay.ts'
import { resolvePaths } from '../models/paths.ts'
import { RouterError } from '../spec/errors.ts'
import { loadPolicyFile } from '../stores/policy-file.ts'
import { type AddCommand, addCommand, type CliContext } from './context.ts'
import { atLeastOne, sinceMs } from './duration.ts'
import { usage } from './failure.ts'
import { type ReplayRun, replayAudit } from './replay-run.ts'
import { replayLines } from './replay-text.ts'
import { printResult } from './terminal.ts'

interface ReplayFlags {
  readonly since: string
  readonly policy: string
  readonly task?: string
  readonly calibrator: string
  readonly regenerate?: true
  readonly examples: string
  readonly json?: true
}

export const addReplay: AddCommand = (program, context) => {
  addCommand(program, 'replay', 'put recorded requests through another policy, from recorded signals; nobody is called')
    .requiredOption('--policy <file>', 'the policy to replay under')
    .option('--since <span>', 'a span such as 24h or 30d, or a date', '7d')
    .option('--task <name>', 'only requests that had this task')
    .option('--calibrator <which>', 'the fits that decide: recorded (of then) or current (of now)', 'recorded')
    .option(
      '--regenerate',
      'ask the local models again where the text decides and debug replay kept it; logged, needs the key',
    )
    .option('--examples <count>', 'request ids named for each change', '3')
    .action((flags: ReplayFlags) => run(flags, context))
}

async function run(flags: ReplayFlags, context: CliContext): Promise<void> {
  const since = sinceMs(flags.since, Date.now())
  const calibrator = calibratorOf(flags.calibrator)
  const examples = atLeastOne(flags.examples, '--examples')
  const next = loadPolicyFile(flags.policy, context.env)
  const asked = { sinceMs: since, next, base: null, task: flags.task, calibrator, examples } as const
  const report = await (flags.regenerate ? regenerated(asked, context) : replayAudit(asked, context))
  if (report.decisions === 0) throw nothingRecorded(flags)
  const { columns } = context.terminal
  const lines = replayLines(report, { columns, sides: ['before', 'after'] })
  printResult({ json: flags.json, value: report, lines }, context.terminal)
}

/** @throws RouterError content_key_unusable without the key of the kept texts */
async function regenerated(asked: ReplayRun, context: CliContext): Promise<ReplayReport> {
  const [{ contentSealer }, { openRegenerator }] = await Promise.all([
    import('../stores/sealed-content.ts'),
    import('./replay-regenerate.ts'),
  ])
  const sealer = contentSealer(context.env)
  const paths = resolvePaths(context.env, process.platform)
  const regenerator = openRegenerator({ next: asked.next, paths, sealer, env: context.env })
  try {
    return await replayAudit({ ...asked, regenerate: regenerator.regenerate }, context)
  } finally {
    await regenerator.close()
  }
}

function calibratorOf(which: string): 'recorded' | 'current' {
  if (which === 'recorded' || which === 'current') return which
  throw usage(`--calibrator ${which} is no choice`, 'Write --calibrator recorded or --calibrator current.')
}

function nothingRecorded({ since, task }: ReplayFlags): RouterError {
  const of = task === undefined ? '' : ` of task ${task}`
  const fix = 'Give a longer --since; `spillway audit tail` shows what is recorded.'
  return new RouterError('not_found', { subject: `recorded request${of} since`, value: since, fix })
}
