/** `spillway completions`: a completion script for the user's shell, made from the command tree itself. */
import { Argument, type Command } from 'commander'
import { type AddCommand, addCommand } from './context.ts'

type Shell = 'bash' | 'zsh' | 'fish'

export const addCompletions: AddCommand = (program, context) => {
  addCommand(program, 'completions', 'print a completion script for your shell')
    .addArgument(new Argument('<shell>', 'the shell').choices(['bash', 'zsh', 'fish']))
    .action((shell: Shell, flags: { readonly json?: true }) => {
      const words = wordsOf(program)
      if (flags.json) context.terminal.json({ shell, words: Object.fromEntries(words) })
      else context.terminal.print(SCRIPTS[shell](words))
    })
}

/** What may follow each command: the path of the command, its subcommands and long options. */
type Words = ReadonlyMap<string, readonly string[]>

function wordsOf(program: Command): Words {
  const words = new Map<string, readonly string[]>()
  const walk = (command: Command, path: string): void => {
    const options = command.options.flatMap((option) => option.long ?? [])
    words.set(path, [...command.commands.map((child) => child.name()), ...options, '--help'])
    for (const child of command.commands) walk(child, `${path} ${child.name()}`.trim())
  }
  walk(program, '')
  return words
}

const SCRIPTS: Readonly<Record<Shell, (words: Words) => string>> = {
  bash: (words) => `${shellFunction(words)}\ncomplete -o default -F _spillway spillway`,
  zsh: (words) =>
    `autoload -U +X bashcompinit && bashcompinit\n${shellFunction(words)}\ncomplete -o default -F _spillway spillway`,
  fish: (words) => [...words].map(([path, following]) => fishLine(path, following)).join('\n'),
}

/** Looks up the longest command path that stands before the cursor. */
function shellFunction(words: Words): string {
  const cases = [...words].map(([path, following]) => `    "${path}") following="${following.join(' ')}" ;;`)
  return `_spillway() {
  local path="" word following=""
  for word in "\${COMP_WORDS[@]:1:COMP_CWORD-1}"; do
    case "$word" in -*) break ;; *) path="\${path:+$path }$word" ;; esac
  done
  case "$path" in
${cases.join('\n')}
  esac
  COMPREPLY=($(compgen -W "$following" -- "\${COMP_WORDS[COMP_CWORD]}"))
}`
}

function fishLine(path: string, following: readonly string[]): string {
  const depth = path === '' ? 0 : path.split(' ').length
  const before = `test (string join ' ' (commandline -opc)[2..-1]) = '${path}'`
  const condition = depth === 0 ? '__fish_use_subcommand' : before
  return `complete -c spillway -n "${condition}" -a '${following.join(' ')}'`
}
