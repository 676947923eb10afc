/** `spillway completions`: a completion script for the user's shell, made from the command tree itself. */
import { Argument, type Command } from 'commander'
import { type AddCommand, addCommand } from './context.ts'

const SHELLS = ['bash', 'zsh', 'fish', 'powershell'] as const
type Shell = (typeof SHELLS)[number]

export const addCompletions: AddCommand = (program, context) => {
  addCommand(program, 'completions', 'print a completion script for your shell')
    .addArgument(new Argument('<shell>', 'the shell').choices(SHELLS))
    .action((shell: Shell, flags: { readonly json?: true }) => {
      const words = wordsOf(program)
      if (flags.json) context.terminal.json({ shell, words: Object.fromEntries(words) })
      else context.terminal.print(SCRIPTS[shell](words))
    })
}

/** What may follow each command: the path of the command, its subcommands, the choices of its arguments and long options. */
type Words = ReadonlyMap<string, readonly string[]>

function wordsOf(program: Command): Words {
  const words = new Map<string, readonly string[]>()
  const walk = (command: Command, path: string): void => {
    const children = command.commands.map((child) => child.name())
    const choices = command.registeredArguments.flatMap((argument) => argument.argChoices ?? [])
    const options = command.options.flatMap((option) => option.long ?? [])
    words.set(path, [...children, ...choices, ...options, '--help'])
    for (const child of command.commands) walk(child, `${path} ${child.name()}`.trim())
    // The values of an option follow it alone.
    for (const { long, argChoices } of command.options)
      if (long && argChoices) words.set(`${path} ${long}`.trim(), argChoices)
  }
  walk(program, '')
  words.set(
    'help',
    [...(words.get('') ?? [])].filter((word) => !word.startsWith('-')),
  )
  return words
}

const SCRIPTS: Readonly<Record<Shell, (words: Words) => string>> = {
  bash: (words) => `${shellFunction(words)}\ncomplete -o default -F _spillway spillway`,
  zsh: zshScript,
  fish: fishScript,
  powershell: powershellScript,
}

/** Looks up what stands before the cursor: the commands, and the option where one was typed last. */
function shellFunction(words: Words): string {
  const cases = [...words].map(([path, following]) => `    "${path}") following="${following.join(' ')}" ;;`)
  return `_spillway() {
  local path="" word following="" last="\${COMP_WORDS[COMP_CWORD-1]}"
  for word in "\${COMP_WORDS[@]:1:COMP_CWORD-1}"; do
    case "$word" in -*) break ;; *) path="\${path:+$path }$word" ;; esac
  done
  case "$last" in --*) path="\${path:+$path }$last" ;; esac
  case "$path" in
${cases.join('\n')}
  esac
  COMPREPLY=($(compgen -W "$following" -- "\${COMP_WORDS[COMP_CWORD]}"))
}`
}

/** Works from a folder of `fpath` and when it is sourced. In zsh `path` is the search path, so it is not used as a name. */
function zshScript(words: Words): string {
  const cases = [...words].map(([path, following]) => `    "${path}") following="${following.join(' ')}" ;;`)
  return `#compdef spillway
_spillway() {
  local place="" word following="" last="\${words[CURRENT-1]}"
  for word in "\${(@)words[2,CURRENT-1]}"; do
    case "$word" in -*) break ;; *) place="\${place:+$place }$word" ;; esac
  done
  case "$last" in --*) place="\${place:+$place }$last" ;; esac
  case "$place" in
${cases.join('\n')}
  esac
  compadd -- \${=following} || _files
}
if [[ "\${funcstack[1]}" = _spillway ]]; then _spillway "$@"; else compdef _spillway spillway; fi`
}

function fishScript(words: Words): string {
  const cases = [...words].map(
    ([path, following]) => `    case '${path}'\n      string split ' ' -- '${following.join(' ')}'`,
  )
  return `function __spillway_words
  set -l path
  set -l before (commandline -opc)
  for word in $before[2..-1]
    string match -q -- '-*' $word; and break
    set -a path $word
  end
  string match -q -- '--*' $before[-1]; and set -a path $before[-1]
  switch (string join ' ' -- $path)
${cases.join('\n')}
  end
end
complete -c spillway -a '(__spillway_words)'
# Files only where no command and no choice is expected.
complete -c spillway -f -n '__spillway_words | string match -qv -- "-*"'`
}

function powershellScript(words: Words): string {
  const rows = [...words].map(([path, following]) => `    '${path}' = '${following.join(' ')}'`)
  return `Register-ArgumentCompleter -Native -CommandName spillway -ScriptBlock {
  param($wordToComplete, $commandAst, $cursorPosition)
  $following = @{
${rows.join('\n')}
  }
  $before = @($commandAst.CommandElements | Select-Object -Skip 1 | Where-Object { $_.Extent.EndOffset -lt $cursorPosition } | ForEach-Object { $_.ToString() })
  $path = @()
  foreach ($word in $before) { if ($word.StartsWith('-')) { break }; $path += $word }
  if ($before.Count -gt 0 -and $before[-1].StartsWith('--')) { $path += $before[-1] }
  "$($following[($path -join ' ')])".Split(' ') | Where-Object { $_ -and $_.StartsWith($wordToComplete) } | ForEach-Object {
    [System.Management.Automation.CompletionResult]::new($_, $_, 'ParameterValue', $_)
  }
}`
}
