/** `spillway policy import`: the configuration of another router as a policy, and what became of each of its keys. */
import { existsSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { basename } from 'node:path'
import { type Command, Option } from 'commander'
import { addCommand, type CliContext } from './context.ts'
import { usage } from './failure.ts'
import type { ImportRow } from './import/account.ts'
import { SHAPES, type ShapeName } from './import/shape.ts'
import { POLICY_FILE } from './policy-lookup.ts'
import { printResult } from './terminal.ts'

interface ImportFlags {
  readonly from?: ShapeName
  readonly out: string
  readonly force?: true
  readonly json?: true
}

export function addPolicyImport(policy: Command, context: CliContext): void {
  addCommand(policy, 'import <file>', "write another router's configuration as a policy, with a report of each key")
    .addOption(new Option('--from <shape>', 'what the file is; default: seen from its keys').choices(SHAPES))
    .option('--out <file>', 'where the policy goes; - is stdout, and the report goes to stderr', POLICY_FILE)
    .option('--force', 'overwrite a file that exists')
    .action((file: string, flags: ImportFlags) => runImport(file, flags, context))
}

async function runImport(file: string, flags: ImportFlags, { terminal, env }: CliContext): Promise<void> {
  const toStdout = flags.out === '-'
  if (!toStdout && existsSync(flags.out) && !flags.force)
    throw usage(`${flags.out} exists already`, 'Name another file with --out, or overwrite it with --force.')
  const { importPolicy } = await import('./import/import-policy.ts')
  const { text, rows, ...found } = importPolicy({ text: textOf(file), fileName: basename(file), from: flags.from })
  if (!toStdout) write(flags.out, text)
  const missing = found.variables.filter((name) => !env[name])
  const counts = { carried: count(rows, 'carried'), changed: count(rows, 'changed'), dropped: count(rows, 'dropped') }
  const value = {
    file: toStdout ? null : flags.out,
    ...found,
    missing,
    counts,
    report: rows,
    ...(toStdout && { policy: text }),
  }
  const report = [
    `${toStdout ? 'imported' : `wrote ${flags.out}`} from ${file} (${found.from}): ${found.models.length} models, ${found.tasks.length} tasks; ${counts.carried} keys carried, ${counts.changed} changed, ${counts.dropped} not carried.`,
    ...rows.filter(({ kind }) => kind !== 'carried').flatMap(rowLines),
  ]
  if (toStdout && !flags.json) {
    terminal.write(text)
    for (const line of report) terminal.say(line)
  } else printResult({ json: flags.json, value, lines: report }, terminal)
  if (missing.length > 0) terminal.say(`Set before use: ${missing.join(', ')}.`)
  if (!toStdout) terminal.say(`Next: spillway policy check ${flags.out} · spillway doctor`)
}

function rowLines({ kind, path, to, why, fix }: ImportRow): readonly string[] {
  return [
    `${kind.padEnd(7)} ${path}${to === null ? '' : ` -> ${to}`}: ${why}.`,
    ...(fix === null ? [] : [`        ${fix}`]),
  ]
}

function count(rows: readonly ImportRow[], kind: ImportRow['kind']): number {
  return rows.filter((row) => row.kind === kind).length
}

/** Configurations are small; anything larger is another file. */
const MOST_BYTES = 5_242_880

function textOf(file: string): string {
  try {
    const { size } = statSync(file)
    if (size > MOST_BYTES) throw usage(`${file} has more than 5 MB`, 'Name a configuration file.')
    return readFileSync(file, 'utf8')
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? String(error.code) : 'unknown'
    if (code === 'usage') throw error
    throw usage(`${file} cannot be read (${code})`, 'Name a file that exists and that you may read.')
  }
}

function write(file: string, text: string): void {
  try {
    writeFileSync(file, text)
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? String(error.code) : 'unknown'
    throw usage(`${file} cannot be written (${code})`, 'Choose a folder that exists and that you may write to.')
  }
}
