/** `spillway init`: a commented policy file to start from. */
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { Option } from 'commander'
import { RouterError } from '../spec/errors.ts'
import { parsePolicy } from '../stores/policy-file.ts'
import { type AddCommand, addCommand, type CliContext, templateFile } from './context.ts'
import { usage } from './failure.ts'
import { POLICY_FILE } from './policy-lookup.ts'
import { printResult } from './terminal.ts'

interface InitFlags {
  readonly template: 'agent' | 'developer' | 'roles'
  readonly force?: true
  readonly json?: true
}

export const addInit: AddCommand = (program, context) => {
  addCommand(program, 'init [file]', `write a commented ${POLICY_FILE}`)
    .addOption(
      new Option('--template <name>', 'what to start from').choices(['agent', 'developer', 'roles']).default('agent'),
    )
    .option('--force', 'overwrite a file that exists')
    .action((file: string | undefined, flags: InitFlags) => writePolicy(file ?? POLICY_FILE, flags, context))
}

function writePolicy(file: string, flags: InitFlags, context: CliContext): void {
  if (existsSync(file) && !flags.force)
    throw usage(`${file} exists already`, 'Name another file, or overwrite it with --force.')
  const text = readFileSync(templateFile(flags.template), 'utf8')
  const { policy, missingKeys } = parsePolicy(text, { file, env: context.env })
  write(file, text)
  const tasks = Object.keys(policy.tasks)
  const value = { file, template: flags.template, tasks, missingKeys }
  const lines = [`wrote ${file} from the ${flags.template} template: ${tasks.length} tasks.`]
  printResult({ json: flags.json, value, lines }, context.terminal)
  context.terminal.say(`Next: spillway policy check · spillway doctor · spillway ask --task ${tasks[0] ?? 'name'} "…"`)
}

function write(file: string, text: string): void {
  try {
    writeFileSync(file, text)
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? String(error.code) : 'unknown'
    if (code === 'ENOSPC') throw new RouterError('disk_full', { path: file }, error)
    throw usage(`${file} cannot be written (${code})`, 'Choose a folder that exists and that you may write to.')
  }
}
