/** `spillway lab cascade`: the cheapest order of recorded models, and when to accept each, at a wanted quality. */
import type { Command } from 'commander'
import { type CascadeReport, cascadeReport } from '../eval/lab/cascade.ts'
import type { LabRecording } from '../eval/lab/method.ts'
import { readRecording } from '../eval/lab/recording.ts'
import { closest } from '../spec/suggest.ts'
import { addCommand, type CliContext } from './context.ts'
import { usage } from './failure.ts'
import { wholeNumber } from './numbers.ts'
import { renderTable } from './table.ts'

interface CascadeFlags {
  readonly minQuality: string
  readonly price?: readonly string[]
  readonly models?: string
  readonly seed: string
  readonly json?: true
}

export function addLabCascade(lab: Command, context: CliContext): void {
  addCommand(lab, 'cascade <recording>', 'the cheapest cascade of recorded models at a wanted quality')
    .requiredOption('--min-quality <share>', 'least quality, as a share of that of the best single model')
    .option('--price <model=price,...>', 'of one answer, for each model; repeatable', together)
    .option('--models <models>', 'only these, separated by commas; all of the recording without it')
    .option('--seed <number>', 'fixes everything that is drawn at random', '1')
    .action((file: string, flags: CascadeFlags) => cascade(file, flags, context))
}

function together(value: string, before: readonly string[] = []): readonly string[] {
  return [...before, value]
}

function cascade(file: string, flags: CascadeFlags, context: CliContext): void {
  const minQuality = Number(flags.minQuality)
  if (flags.minQuality.trim() === '' || !(minQuality > 0 && minQuality <= 1))
    throw usage(
      `--min-quality ${flags.minQuality} is not above 0 and at most 1`,
      'Give a share of the quality of the best single model, such as 0.98.',
    )
  const seed = wholeNumber('--seed', flags.seed, { from: 0 })
  const recording = readRecording(file)
  const prices = pricesOf(recording, flags)
  const report = cascadeReport(recording, { prices, minQuality, seed })
  if (flags.json) context.terminal.json(report)
  else for (const line of linesOf(report, context.terminal.columns)) context.terminal.print(line)
}

/** More take minutes: a score is fitted for each model, and for each pair of them. */
const MOST_MODELS = 12

function pricesOf(recording: LabRecording, flags: CascadeFlags): Readonly<Record<string, number>> {
  const models = flags.models === undefined ? recording.models : partsOf(flags.models)
  for (const model of models) requireRecorded('--models', model, recording)
  const prices = new Map((flags.price ?? []).flatMap(partsOf).map((part) => priceOf(part, recording)))
  const missing = models.filter((model) => !prices.has(model))
  if (models.length === 0) throw usage('--models names no model', `Recorded: ${recording.models.join(', ')}.`)
  if (missing.length > 0)
    throw usage(
      `--price is missing for ${missing.join(', ')}`,
      'Give --price model=price,... for each, in any unit; or name fewer models with --models.',
    )
  if (models.length > MOST_MODELS)
    throw usage(`${models.length} models are too many to try`, `Name at most ${MOST_MODELS} with --models.`)
  return Object.fromEntries(models.map((model) => [model, prices.get(model) ?? 0]))
}

function partsOf(list: string): readonly string[] {
  return list
    .split(',')
    .map((part) => part.trim())
    .filter((part) => part !== '')
}

function priceOf(part: string, recording: LabRecording): readonly [string, number] {
  const sign = part.lastIndexOf('=')
  const [model, text] = [part.slice(0, sign).trim(), part.slice(sign + 1).trim()]
  if (sign < 1) throw usage(`--price ${part} is not model=price`, 'Write --price small=0.2,large=10.')
  requireRecorded('--price', model, recording)
  const price = Number(text)
  if (text === '' || !Number.isFinite(price) || price < 0)
    throw usage(`--price ${part}: ${text || 'nothing'} is no price`, 'Give a number of at least 0, such as 0.2.')
  return [model, price]
}

function requireRecorded(flag: string, model: string, { name, models }: LabRecording): void {
  if (models.includes(model)) return
  const near = closest(model, models)
  throw usage(
    `${flag}: ${model} is not in the recording ${name}`,
    near ? `Did you mean ${near}?` : `Recorded: ${models.join(', ')}.`,
  )
}

function linesOf(report: CascadeReport, columns: number): readonly string[] {
  const { recording, proposed, train, dev, best, cheapest, oracle } = report
  const stages = proposed.map(({ model, threshold }, at) => {
    const served = `answers ${(100 * (dev.shares[at] ?? 0)).toFixed(1)} %`
    if (at === proposed.length - 1) return `  ${at + 1}. ${model}: accept always; ${served}`
    return threshold >= 1
      ? `  ${at + 1}. ${model}: asked, and compared with the next; ${served}`
      : `  ${at + 1}. ${model}: accept from ${threshold.toFixed(3)}; ${served}`
  })
  const single = (name: string, { quality, cost }: { readonly quality: number; readonly cost: number }) => [
    name,
    quality.toFixed(3),
    '',
    figure(cost),
    '',
  ]
  const rows = [
    ['proposed', dev.quality.toFixed(3), ends(dev.qualityInterval), figure(dev.cost), ends(dev.costInterval)],
    single(`always ${best.model} (best)`, best),
    single(`always ${cheapest.model} (cheapest)`, cheapest),
    single('oracle', oracle),
  ]
  return [
    `${recording}, chosen on ${train.n} train rows (quality ${train.quality.toFixed(3)}, cost ${figure(train.cost)}):`,
    ...stages,
    `on the other ${dev.n} rows, where quality ${dev.floor.toFixed(3)} is wanted:`,
    ...renderTable(['', 'quality', '95 %', 'cost', '95 %'], rows, { columns }),
    `${report.isWorthIt ? 'worth it' : 'not worth it'}: ${report.why}`,
  ]
}

function ends([low, high]: readonly [number, number]): string {
  return `${figure(low)} to ${figure(high)}`
}

/** Prices come in any unit. */
function figure(value: number): string {
  return String(Number(value.toPrecision(3)))
}
