/** `spillway lab`: routing methods on recorded answers, without any model. */
import { readFileSync, writeFileSync } from 'node:fs'
import { boundReport } from '../eval/lab/bound.ts'
import { methodNamed, readFitted, type SettingFlags, settingFor, writeFitted } from '../eval/lab/fitted.ts'
import type { LabContext, LabMethod, LabRecording, LabState } from '../eval/lab/method.ts'
import { METHODS } from '../eval/lab/methods.ts'
import { readRecording } from '../eval/lab/recording.ts'
import { type LabScore, neededOf, scoreOf } from '../eval/lab/run.ts'
import { labTable, tableMarkdown } from '../eval/lab/table.ts'
import { type AddCommand, addCommand, type CliContext } from './context.ts'
import { usage } from './failure.ts'
import { addLabCascade } from './lab-cascade.ts'
import { wholeNumber } from './numbers.ts'

interface LabFlags extends SettingFlags {
  readonly method?: string
  readonly out?: string
  readonly model?: string
  readonly data?: string
  readonly test?: string
  readonly only?: string
  readonly write?: string
  readonly alpha: string
  readonly n: string
  readonly resamplings: string
  readonly seed: string
  readonly json?: true
}

export const addLab: AddCommand = (program, context) => {
  const lab = program.command('lab').description('compare routing methods on recorded answers; asks no model')
  const names = METHODS.map(({ name }) => name).join(', ')
  const models = (command: ReturnType<typeof addCommand>) =>
    command
      .option('--local <model>', 'the local model of the recording')
      .option('--frontier <model>', 'the frontier of the recording')
      .option('--peers <models>', 'other local models that may be asked, in order, separated by commas')
      .option('--seed <number>', 'fixes everything that is drawn at random', '1')
  models(addCommand(lab, 'fit <recording>', 'fit a method on the rows of a recording'))
    .option('--method <name>', names, 'learned gain')
    .requiredOption('--out <file>', 'the file to write the fit to')
    .action((file: string, flags: LabFlags) => fitOn(file, flags, context))
  models(addCommand(lab, 'score <recording>', 'score methods on a recording, fitted on another'))
    .option('--model <file>', 'a fit of `lab fit`; without it, the methods that need none')
    .action((file: string, flags: LabFlags) => score(file, flags, context))
  addCommand(lab, 'table', 'every method on every known recording: fitted on the train rows, scored on the others')
    .requiredOption('--data <folder>', 'the folder of recordings')
    .option('--test <folder>', 'score the recordings of this folder, fitted on all rows of --data')
    .option('--only <recordings>', 'names, separated by commas')
    .option('--write <file>', 'put the table between the marks of this Markdown file')
    .option('--seed <number>', 'fixes everything that is drawn at random', '1')
    .action((flags: LabFlags) => table(flags, context))
  models(addCommand(lab, 'bound <recording>', 'coverage and violations of an accept gate with a stated bound'))
    .option('--model <file>', 'a fit of `lab fit` that gives the scores')
    .option('--method <name>', 'a method that needs no fit', 'agreement count')
    .option('--alpha <share>', 'greatest share of wrong answers among those accepted', '0.05')
    .option('--n <labels>', 'labels in a draw', '500')
    .option('--resamplings <draws>', 'draws', '2000')
    .action((file: string, flags: LabFlags) => bound(file, flags, context))
  addLabCascade(lab, context)
}

function fitOn(file: string, flags: LabFlags, context: CliContext): void {
  const recording = readRecording(file)
  const method = methodNamed(flags.method ?? '')
  const setting = settingFor(recording, flags)
  const within = { setting, models: recording.models }
  requireApplies(method, within, recording)
  const rows = trainRows(recording)
  const seed = wholeNumber('--seed', flags.seed, { from: 0 })
  const state = method.fit(rows, within, seed)
  const out = flags.out ?? ''
  writeFitted(out, { method: method.name, setting, fittedOn: rows.length, seed, state })
  if (flags.json) context.terminal.json({ file: out, method: method.name, setting, n: rows.length })
  else context.terminal.print(`${method.name}, fitted on ${rows.length} rows of ${recording.name}: ${out}`)
}

function score(file: string, flags: LabFlags, context: CliContext): void {
  const recording = readRecording(file)
  const seed = wholeNumber('--seed', flags.seed, { from: 0 })
  const scores = scored(recording, flags).map(({ method, state, within }): LabScore => {
    // What was fitted on a file is not scored on the part that it was fitted on.
    const rows = recording.rows.filter(({ split }) => split !== 'train')
    const needed = neededOf(rows.length > 0 ? rows : recording.rows, { method, state, context: within })
    return scoreOf(needed, { method: method.name, context: within, seed })
  })
  tell(scores, flags, context)
}

interface Scored {
  readonly method: LabMethod
  readonly state: LabState
  readonly within: LabContext
}

function scored(recording: LabRecording, flags: LabFlags): readonly Scored[] {
  if (flags.model !== undefined) {
    const { method, setting, state } = readFitted(flags.model)
    const names = { local: setting.local, frontier: setting.frontier, peers: setting.peers.join(',') }
    const within = { setting: { ...settingFor(recording, names), ...setting }, models: recording.models }
    return [{ method: methodNamed(method), state, within }]
  }
  const within = { setting: settingFor(recording, flags), models: recording.models }
  const ready = METHODS.filter((method) => !method.name.startsWith('learned') && method.name !== 'task prior')
  return ready
    .filter((method) => method.applies(within, recording.rows))
    .map((method) => ({
      method,
      state: method.fit([], within, wholeNumber('--seed', flags.seed, { from: 0 })),
      within,
    }))
}

function table(flags: LabFlags, context: CliContext): void {
  const only = flags.only?.split(',').filter((name) => name !== '') ?? []
  const told = ({ recording, setting, method, apgr }: LabScore): void =>
    context.terminal.say(`${recording}, ${setting}, ${method}: APGR ${apgr.toFixed(3)}`)
  const settings = {
    data: flags.data ?? '',
    test: flags.test ?? null,
    only,
    seed: wholeNumber('--seed', flags.seed, { from: 0 }),
    told,
  }
  const scores = labTable(settings)
  if (scores.length === 0)
    throw usage(`--data ${settings.data} holds no known recording`, 'Name a folder of recordings.')
  if (flags.write !== undefined) writeBetweenMarks(flags.write, tableMarkdown(scores))
  tell(scores, flags, context)
}

function bound(file: string, flags: LabFlags, context: CliContext): void {
  const recording = readRecording(file)
  const [one] =
    flags.model === undefined
      ? scored(recording, flags).filter(({ method }) => method.name === flags.method)
      : scored(recording, flags)
  if (!one)
    throw usage(`--method ${flags.method} needs a fit or does not apply here`, 'Use --model with a fit of `lab fit`.')
  const rows = flags.model === undefined ? recording.rows : recording.rows.filter(({ split }) => split !== 'train')
  const needed = neededOf(rows, { method: one.method, state: one.state, context: one.within })
  const labels = needed.map(({ need, local }) => ({ score: -need, isCorrect: local >= 0.5 }))
  const alpha = Number(flags.alpha)
  if (!(alpha > 0 && alpha < 1))
    throw usage(`--alpha ${flags.alpha} is not between 0 and 1`, 'Give a share such as 0.05.')
  const draw = {
    n: wholeNumber('--n', flags.n, { from: 1 }),
    resamplings: wholeNumber('--resamplings', flags.resamplings, { from: 1 }),
    seed: wholeNumber('--seed', flags.seed, { from: 0 }),
  }
  const report = {
    recording: recording.name,
    method: one.method.name,
    population: labels.length,
    ...boundReport(labels, { maxErrorRate: alpha, confidence: 0.95 }, draw),
  }
  if (flags.json) {
    context.terminal.json(report)
    return
  }
  const { coverage, violations, naive } = report
  context.terminal.print(
    `${recording.name}, ${report.method}, at most ${alpha} wrong, ${draw.n} labels, ${draw.resamplings} draws:`,
  )
  context.terminal.print(
    `with the bound: accepts ${percent(coverage)}, breaks it in ${percent(violations)} of the draws`,
  )
  context.terminal.print(
    `observed error: accepts ${percent(naive.coverage)}, breaks it in ${percent(naive.violations)}`,
  )
}

function tell(scores: readonly LabScore[], flags: LabFlags, context: CliContext): void {
  if (flags.json) context.terminal.json(scores)
  else context.terminal.print(tableMarkdown(scores))
}

function trainRows({ rows }: LabRecording) {
  const train = rows.filter(({ split }) => split === 'train')
  return train.length > 0 ? train : rows
}

function requireApplies(method: LabMethod, within: LabContext, { name, rows }: LabRecording): void {
  if (method.applies(within, rows)) return
  throw usage(`--method ${method.name} needs what ${name} does not hold`, method.about)
}

const MARKS = ['<!-- lab table -->', '<!-- end of lab table -->'] as const

function writeBetweenMarks(file: string, markdown: string): void {
  const text = readFileSync(file, { encoding: 'utf8', flag: 'a+' })
  const [start, end] = [text.indexOf(MARKS[0]), text.indexOf(MARKS[1])]
  const block = `${MARKS[0]}\n\n${markdown}\n\n${MARKS[1]}`
  const next =
    start >= 0 && end > start ? text.slice(0, start) + block + text.slice(end + MARKS[1].length) : `${text}${block}\n`
  writeFileSync(file, next)
}

function percent(share: number): string {
  return `${(100 * share).toFixed(1)} %`
}
