/** `spillway audit import`: what a log of another proxy would have cost here, before anything is switched. Stores nothing. */

import type { LogAccount, Risk, TaskAccount } from '../eval/import/account.ts'
import { LOG_FORMATS } from '../eval/import/log-formats.ts'
import { SKIPPED } from '../eval/import/logged-call.ts'
import { loadPolicyFile } from '../stores/policy-file.ts'
import { type AddCommand, addCommand, type CliContext } from './context.ts'
import { usage } from './failure.ts'
import { nameOf } from './json-lines.ts'
import { findPolicyFile } from './policy-lookup.ts'
import { renderTable } from './table.ts'
import { fileTraffic, logFormat, sayBadLines } from './tasks.ts'
import { printResult } from './terminal.ts'
import { leastOf, studyTraffic, type TrafficStudy } from './traffic-study.ts'

interface ImportFlags {
  readonly format?: string
  readonly policy?: string
  readonly min?: string
  readonly skipBadLines?: true
  readonly json?: true
}

export const addAuditImport: AddCommand = (audit, context) => {
  addCommand(
    audit,
    'import <file>',
    'what would have been saved of a log of requests and answers, and at what risk; stores nothing; - reads stdin',
  )
    .requiredOption('--format <format>', `how the log is written: ${LOG_FORMATS.join(', ')}`)
    .option('--policy <file>', 'its tasks and rules come before the tasks that are found')
    .option('--min <count>', 'find tasks with at least so many requests (default: 5)')
    .option('--skip-bad-lines', 'leave out lines that are no calls, and say how many')
    .action((file: string, flags: ImportFlags) => importLog(file, flags, context))
}

const MONEY =
  'List prices of the bundled table where the log has no cost; the cost of local answers (energy, hardware) is not counted here.'

async function importLog(file: string, flags: ImportFlags, context: CliContext): Promise<void> {
  const bad: string[] = []
  const format = logFormat(flags.format ?? '')
  const traffic = fileTraffic({
    file,
    format,
    ...(flags.skipBadLines && { note: (problem: string) => bad.push(problem) }),
  })
  const found = findPolicyFile(flags.policy, context)
  const under = found === null ? null : loadPolicyFile(found, context.env).policy
  const study = await studyTraffic(traffic, { leastRequests: leastOf(flags.min), models: null, under })
  sayBadLines(bad, context)
  if (study.read === 0) throw nothingIn(file, format, study.account)
  const value = { file, format, policy: found, badLines: bad.length, ...jsonOf(study) }
  printResult({ json: flags.json, value, lines: linesOf(study, context.terminal.columns) }, context.terminal)
}

function nothingIn(file: string, format: string, { skipped }: LogAccount): Error {
  const why = SKIPPED.flatMap((name) => (skipped[name] > 0 ? [`${skipped[name]} ${name}`] : []))
  const others = LOG_FORMATS.filter((one) => one !== format).join(' or ')
  const told = why.length > 0 ? ` (left out: ${why.join(', ')})` : ''
  const fix =
    skipped.no_text > 0
      ? `Switch on the storing of prompts where the log is written, or try --format ${others}.`
      : `Try --format ${others}.`
  return usage(`${nameOf(file)} holds no call with its text${told}`, fix)
}

function jsonOf({ account, discovery, typed, sampled }: TrafficStudy): Readonly<Record<string, unknown>> {
  const { tasks, ...all } = account
  const kinds = new Map(discovery.proposals.map(({ name, kind, certainty }) => [name, { found: kind, certainty }]))
  return {
    ...all,
    typed,
    sampled,
    assumptions: {
      money: MONEY,
      share: 'Rules alone; no model was asked. `expected` takes shares measured on public sets.',
    },
    tasks: tasks.map((task) => ({ ...task, discovered: kinds.get(task.task) ?? null })),
    stored: false,
  }
}

function linesOf({ account, read }: TrafficStudy, columns: number): readonly string[] {
  const { cost, localShare, saving, stays, skipped, tasks, models, from, to } = account
  const left = SKIPPED.flatMap((name) => (skipped[name] > 0 ? [`${skipped[name]} ${name}`] : []))
  const rows = tasks.map((task) => taskRow(task))
  const unknown = localShare.unknownTasks
  return [
    `${read} calls${from && to ? ` from ${from.slice(0, 16)} to ${to.slice(0, 16)}` : ''}${left.length > 0 ? `; left out: ${left.join(', ')}` : ''}`,
    `cost ${dollars(cost.usd)}: ${cost.fromLog} calls as the log says, ${cost.fromPrices} by list prices, ${cost.unknown} unknown`,
    ...(cost.inputOnly > 0 ? [`of ${cost.inputOnly} calls without answers the input alone is counted`] : []),
    `models ${models.map(({ model, calls, usd }) => `${model} ${calls} (${dollars(usd)})`).join(', ')}`,
    '',
    ...renderTable(['task', 'kind', 'calls', 'solver', 'candidates', 'at most', 'expected', 'saving', 'risk'], rows, {
      columns,
    }),
    '',
    `local share: at most ${percent(localShare.atMost)}, expected ${percent(localShare.expected)}${unknown.length > 0 ? `, counting nothing for ${unknown.length} tasks of which nothing is known` : ''}`,
    `saving: at most ${dollars(saving.atMostUsd)}, expected ${dollars(saving.expectedUsd)}. ${MONEY}`,
    `stays with the frontier: ${stays.map(({ reason, requests }) => `${reason} ${requests}`).join(', ') || 'nothing by the rules'}`,
    `risk: ${riskText(account.risk)}. ${account.risk.why}`,
  ]
}

function taskRow({
  task,
  kind,
  requests,
  solver,
  candidates,
  localShare,
  saving,
  risk,
}: TaskAccount): readonly string[] {
  return [
    task,
    kind,
    String(requests),
    String(solver),
    String(candidates),
    percent(localShare.atMost),
    localShare.expected === null ? 'unknown' : percent(localShare.expected),
    saving.expectedUsd === null ? `up to ${dollars(saving.atMostUsd)}` : dollars(saving.expectedUsd),
    riskText(risk),
  ]
}

function riskText({ solver, models }: Risk): string {
  const exact = solver
    ? [
        `solver ${solver.wrong} of ${solver.compared} differ (${percent(solver.interval[0])} to ${percent(solver.interval[1])})`,
      ]
    : []
  return [...exact, ...(models === 'unknown' ? ['models unknown'] : [])].join(', ') || 'none'
}

function percent(share: number): string {
  return `${(share * 100).toFixed(share > 0 && share < 0.1 ? 1 : 0)} %`
}

function dollars(usd: number): string {
  return usd !== 0 && Math.abs(usd) < 0.01 ? `$${usd.toPrecision(2)}` : `$${usd.toFixed(2)}`
}
