/** `spillway rollout candidate start | report | promote | discard`: another model, prompt or order of labels beside what answers a task. */
import { randomUUID } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { userInfo } from 'node:os'
import type { Command } from 'commander'
import { parse } from 'yaml'
import { mayTakeOver, planCandidate, rotationChange } from '../eval/rollout/rotate.ts'
import { RouterError } from '../spec/errors.ts'
import { candidateEvent, stageText } from '../spec/rollout.ts'
import { type Candidate, type SetupPrompt, setupPromptSchema, setupText, USUAL_MAX_LOSS } from '../spec/rotation.ts'
import { recordEvent } from '../stores/audit-events.ts'
import { addCommand, type CliContext } from './context.ts'
import { usage } from './failure.ts'
import { type RotationView, reportLines, reportOn } from './rollout-report.ts'
import { openRolloutView, openRolloutViews, putInForce, type RolloutView, raced, reasonGiven } from './rollout-view.ts'
import { printResult } from './terminal.ts'

interface CandidateFlags {
  readonly policy?: string
  readonly model?: string
  readonly prompt?: string
  readonly labels?: string
  readonly maxLoss?: string
  readonly why?: string
  readonly json?: true
}

export function addRolloutCandidate(rollout: Command, context: CliContext): void {
  const group = rollout
    .command('candidate')
    .description('another local model, prompt or order of labels, beside what answers a task, on the same requests')
  addCommand(group, 'start <task>', 'try it on every request that the task answers locally or shadows')
    .option('--policy <file>', 'the policy file to use')
    .option('--model <name>', 'a local model of the policy; default: the one that answers now')
    .option('--prompt <file>', 'YAML or JSON with system, shots and version, as in tasks.*.prompt')
    .option('--labels <names>', 'the labels of the task in another order, with commas')
    .option('--max-loss <points>', `percentage points it may be wrong more often; default: ${100 * USUAL_MAX_LOSS}`)
    .option('--why <text>', 'why; kept with it')
    .action((task: string, flags: CandidateFlags) => start(task, flags, context))
  addCommand(group, 'report [task]', 'changed decisions, errors, time, memory and cost of both, and the verdict')
    .option('--policy <file>', 'the policy file to use')
    .action((task: string | undefined, flags: CandidateFlags) => report(task, flags, context))
  addCommand(group, 'promote <task>', 'put it in force, when the verdict is better or no_worse')
    .option('--policy <file>', 'the policy file to use')
    .option('--why <text>', 'why; kept with the change')
    .action((task: string, flags: CandidateFlags) => promote(task, flags, context))
  addCommand(group, 'discard <task>', 'end the trial; what answers now stays')
    .option('--policy <file>', 'the policy file to use')
    .option('--why <text>', 'why; kept with it')
    .action((task: string, flags: CandidateFlags) => discard(task, flags, context))
}

function start(name: string, flags: CandidateFlags, context: CliContext): void {
  const why = reasonGiven(flags.why)
  const maxLoss = lossOf(flags.maxLoss)
  const prompt = flags.prompt === undefined ? null : readPrompt(flags.prompt)
  const view = openRolloutView(name, flags.policy, context)
  const labels = flags.labels === undefined ? null : flags.labels.split(',').map((label) => label.trim())
  const { policy } = view.loaded
  const planned = planCandidate({ model: flags.model ?? null, prompt, labels }, { ...view, policy })
  if ('problem' in planned) throw usage(`Task ${name} cannot try that: ${planned.problem}`, planned.fix)
  if (view.candidate) throw raced(`Task ${name}`, `it tries ${setupText(view.candidate.setup)} already`)
  const candidate: Candidate = {
    id: randomUUID(),
    task: name,
    setup: planned.setup,
    maxLoss,
    why,
    ...byMe(context),
    policyDigest: view.loaded.digest,
  }
  if (!view.store.start(candidate, () => noted(view, candidate, { action: 'start', why, context })))
    throw raced('The candidates', `somebody else was at the candidate of ${name}`)
  const lines = [
    `${name}: ${setupText(candidate.setup)} is tried beside what answers now (${setupText(view.setup)})`,
    `${name}: it may lose less than ${100 * maxLoss} points; \`spillway rollout candidate report ${name}\` tells`,
  ]
  if (view.stage === 'off') context.terminal.say(`Task ${name} is in stage off: nothing runs until it leaves it.`)
  printResult({ json: flags.json, value: candidate, lines }, context.terminal)
}

function report(name: string | undefined, flags: CandidateFlags, context: CliContext): void {
  const views =
    name === undefined
      ? openRolloutViews(flags.policy, context).flatMap(withCandidate)
      : [requireCandidate(openRolloutView(name, flags.policy, context))]
  const value = views.map((view) => reportOn(view, context))
  if (value.length === 0 && !flags.json) context.terminal.say('No task has a candidate.')
  printResult({ json: flags.json, value, lines: value.flatMap(reportLines) }, context.terminal)
}

function promote(name: string, flags: CandidateFlags, context: CliContext): void {
  const why = reasonGiven(flags.why)
  const view = requireCandidate(openRolloutView(name, flags.policy, context))
  const found = reportOn(view, context)
  if (!mayTakeOver(found))
    throw new RouterError('candidate_unproven', {
      task: name,
      candidate: setupText(view.candidate.setup),
      verdict: found.verdict,
      problem: found.missing.join('; '),
      fix: `\`spillway rollout candidate report ${name}\` shows the evidence. Nothing was changed.`,
    })
  const change = rotationChange({
    ...{ id: randomUUID(), report: found, stage: view.stage, setup: view.setup, inForce: view.inForce },
    ...{ written: view.policy.stage, policyDigest: view.loaded.digest },
    ...{ maxErrorRate: view.policy.accept.maxErrorRate ?? null, why, ...byMe(context) },
  })
  putInForce(view, change)
  const lines = [`${name}: ${setupText(view.setup)} -> ${setupText(change.setup)}, in stage ${stageText(change.to)}`]
  for (const note of found.notes) context.terminal.say(note)
  printResult({ json: flags.json, value: change, lines }, context.terminal)
}

function discard(name: string, flags: CandidateFlags, context: CliContext): void {
  const why = reasonGiven(flags.why)
  const view = openRolloutView(name, flags.policy, context)
  // One that has lapsed, because the policy was edited under it, is still in the way.
  const candidate = view.store.candidates().find(({ task }) => task === name)
  if (!candidate) throw withoutCandidate(name)
  if (!view.store.discard(candidate.id, () => noted(view, candidate, { action: 'discard', why, context })))
    throw raced('The candidates', `somebody else was at the candidate of ${name}`)
  const lines = [`${name}: ${setupText(candidate.setup)} is tried no more`]
  printResult(
    { json: flags.json, value: { ...candidate, discarded: { why, ...byMe(context) } }, lines },
    context.terminal,
  )
}

function noted(
  { stateDir, loaded }: RolloutView,
  candidate: Candidate,
  { context, ...said }: { readonly action: 'start' | 'discard'; readonly why: string; readonly context: CliContext },
): void {
  const change = { id: randomUUID(), ...said, ...byMe(context), policyDigest: loaded.digest }
  recordEvent(stateDir, candidateEvent(candidate, change))
}

function requireCandidate(view: RolloutView): RotationView {
  const [found] = withCandidate(view)
  if (found) return found
  throw withoutCandidate(view.name)
}

function withCandidate(view: RolloutView): readonly RotationView[] {
  return view.candidate ? [{ ...view, candidate: view.candidate }] : []
}

function withoutCandidate(name: string): RouterError {
  return usage(`task ${name} has no candidate`, `Begin with \`spillway rollout candidate start ${name}\`.`)
}

function byMe({ clock }: CliContext): { readonly by: string; readonly at: string } {
  return { by: userInfo().username, at: new Date(clock.epochMs()).toISOString() }
}

function lossOf(text: string | undefined): number {
  if (text === undefined) return USUAL_MAX_LOSS
  const points = Number(text)
  if (text.trim() !== '' && points > 0 && points <= 50) return points / 100
  throw usage(`--max-loss ${text} is not a number of percentage points`, 'Write for example --max-loss 2.')
}

function readPrompt(file: string): SetupPrompt {
  let text: string
  try {
    text = readFileSync(file, 'utf8')
  } catch (error) {
    throw usage(`--prompt ${file} cannot be read (${(error as NodeJS.ErrnoException).code})`, 'Name a file.')
  }
  const found = setupPromptSchema.safeParse(parsed(text, file))
  if (found.success) return found.data
  const [issue] = found.error.issues
  const where = issue?.path.join('.') || 'the file'
  throw usage(`--prompt ${file}: ${where}: ${issue?.message}`, 'It holds system, shots and version, as tasks.*.prompt.')
}

function parsed(text: string, file: string): unknown {
  try {
    return parse(text)
  } catch (error) {
    throw usage(`--prompt ${file} is no YAML: ${(error as Error).message.split('\n')[0]}`, 'Mend it.')
  }
}
