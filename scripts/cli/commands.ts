/** The commands of the program as data, for the pages and tests that speak of all of them. */
import type { Command } from 'commander'
import { EXAMPLES, GROUPS } from '../../src/cli/help.ts'
import { buildProgram } from '../../src/cli/program.ts'
import { terminal } from '../../src/cli/terminal.ts'
import { systemClock } from '../../src/pipeline/clock.ts'

export interface CommandRow {
  /** The words of the command, such as `audit tail`. */
  readonly path: string
  /** The heading that it stands under in the help text; undefined when somebody forgot it. */
  readonly group: string | undefined
  readonly description: string
  /** As typed, such as `<file> [options]`. */
  readonly usage: string
  readonly options: readonly {
    readonly flags: string
    readonly description: string
    readonly choices: readonly string[]
  }[]
  /** Whole command lines. */
  readonly examples: readonly string[]
}

/** Every command that does something; groups of commands are not among them. */
export async function allCommands(): Promise<readonly CommandRow[]> {
  const context = { terminal, env: {}, clock: systemClock, signal: new AbortController().signal }
  const program = await buildProgram(context, ['help'])
  const rows = program.commands.flatMap((command) => rowsOf(command, command.name()))
  const order = Object.values(GROUPS).flat()
  const place = ({ path }: CommandRow): number => order.indexOf(path.split(' ')[0] ?? '')
  return rows.toSorted((a, b) => place(a) - place(b))
}

function rowsOf(command: Command, path: string): readonly CommandRow[] {
  const children = command.commands.flatMap((child) => rowsOf(child, `${path} ${child.name()}`))
  const isGroup = children.length > 0 && !command.options.some(({ long }) => long === '--policy' || long === '--json')
  if (path === 'help' || isGroup) return children
  const name = path.split(' ')[0] ?? ''
  const row: CommandRow = {
    path,
    group: Object.keys(GROUPS).find((heading) => GROUPS[heading]?.includes(name)),
    description: command.description(),
    usage: command.registeredArguments
      .map((one) => {
        const word = `${one.name()}${one.variadic ? '...' : ''}`
        return one.required ? `<${word}>` : `[${word}]`
      })
      .join(' '),
    options: command.options.map(({ flags, description, argChoices = [] }) => ({
      flags,
      description,
      choices: argChoices,
    })),
    examples: (EXAMPLES[path] ?? []).map((line) => `spillway ${line}`),
  }
  return [row, ...children]
}
