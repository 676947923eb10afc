/** `spillway eval export`: a task's labelled rows, for training elsewhere. */
import { writeFileSync } from 'node:fs'
import { trainingRows } from '../eval/training-rows.ts'
import { RouterError } from '../spec/errors.ts'
import { meant } from '../spec/suggest.ts'
import { type AddCommand, addCommand, type CliContext } from './context.ts'
import { usage } from './failure.ts'
import { findPolicy } from './policy-lookup.ts'

interface ExportFlags {
  readonly format: string
  readonly task?: string
  readonly out?: string
  readonly policy?: string
  readonly json?: true
}

/** Adds `export` to the group of `eval`. */
export const addEvalExport: AddCommand = (group, context) => {
  addCommand(group, 'export', 'write the labelled rows of a task as JSON Lines, for training elsewhere')
    .option('--format <format>', 'sft: one conversation with the wanted answer in every line', 'sft')
    .option('--task <name>', 'the task whose examples are written; every task when absent')
    .option('--out <file>', 'the file to write; stdout when absent')
    .option('--policy <file>', 'the policy file to use')
    .action((flags: ExportFlags) => exportRows(flags, context))
}

function exportRows(flags: ExportFlags, context: CliContext): void {
  if (flags.format !== 'sft') throw usage(`--format ${flags.format} is not known`, 'Use --format sft.')
  const loaded = findPolicy(flags.policy, context)
  const tasks = Object.keys(loaded.policy.tasks)
  if (flags.task !== undefined && !tasks.includes(flags.task))
    throw new RouterError('unknown_task', { task: flags.task, fix: meant(flags.task, tasks) })
  const rows = (flags.task === undefined ? tasks : [flags.task]).flatMap((task) => trainingRows(task, loaded))
  if (rows.length === 0)
    throw new RouterError('not_found', {
      subject: 'labelled row',
      value: flags.task ?? 'of any task',
      fix: 'Give the task examples: tasks.<name>.head.examples or prompt.shots.',
    })
  const lines = rows.map((row) => JSON.stringify(row))
  if (flags.out === undefined) for (const line of lines) context.terminal.print(line)
  else writeRows(flags.out, lines)
  const told = { rows: rows.length, format: flags.format, file: flags.out ?? null }
  if (flags.json && flags.out !== undefined) context.terminal.json(told)
  else context.terminal.say(`${rows.length} rows${flags.out === undefined ? '' : ` in ${flags.out}`}`)
}

function writeRows(file: string, lines: readonly string[]): void {
  try {
    // Examples may be private: readable by their owner only.
    writeFileSync(file, `${lines.join('\n')}\n`, { mode: 0o600 })
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? String(error.code) : 'unwritable'
    throw usage(`--out ${file} cannot be written (${code})`, 'Check the path and the permissions.')
  }
}
