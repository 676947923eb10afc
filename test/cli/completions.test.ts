/** `spillway completions`: each script is asked by its own shell, where that shell is on this machine. */
import { spawnSync } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type Sandbox, sandbox } from './spillway.ts'

/** What is typed, the last word being the one at the cursor, and what the shell offers. */
const TYPED: readonly (readonly [readonly string[], readonly string[]])[] = [
  [['au'], ['audit']],
  [['audit', 't'], ['tail']],
  [
    ['review', 'held', 're'],
    ['release', 'refuse'],
  ],
  [['kill', '--ta'], ['--task']],
  [
    ['ask', '--impact', ''],
    ['low', 'medium', 'high'],
  ],
  [['completions', 'p'], ['powershell']],
  [
    ['help', 'serv'],
    ['serve', 'service'],
  ],
]

/** By shell: a program that loads the script in $1 and prints what it offers for the words after it, in one line. */
const PROBES: Readonly<
  Record<string, { readonly shell: string; readonly args: readonly string[]; readonly probe: string }>
> = {
  bash: {
    shell: 'bash',
    args: ['--norc', '-c'],
    probe: 'source "$1"; shift; COMP_WORDS=(spillway "$@"); COMP_CWORD=$#; _spillway; echo "${COMPREPLY[@]}"',
  },
  zsh: {
    shell: 'zsh',
    args: ['-f', '-c'],
    probe:
      'compdef() { :; }; source "$1"; shift; words=(spillway "$@"); CURRENT=$(( $# + 1 )); typed="$words[CURRENT]"; compadd() { shift; print -- ${(M)@:#$typed*} }; _spillway',
  },
  fish: {
    shell: 'fish',
    args: ['--no-config', '-c'],
    probe: 'source $argv[1]; complete -C "spillway $argv[2..-1]" | string split -f1 \\t | string join " "',
  },
  powershell: {
    shell: 'pwsh',
    args: ['-NoProfile', '-Command'],
    probe:
      '. $args[0]; $line = "spillway " + ($args[1..99] -join " "); (TabExpansion2 $line $line.Length).CompletionMatches.CompletionText -join " "',
  },
}

let box: Sandbox
const scripts = new Map<string, string>()
beforeAll(async () => {
  box = sandbox()
  for (const shell of Object.keys(PROBES)) {
    const { stdout, exitCode } = await box.run(['completions', shell])
    expect(exitCode).toBe(0)
    scripts.set(shell, stdout)
  }
})
afterAll(() => box.close())

const isHere = (shell: string): boolean => spawnSync(shell, ['-c', 'exit 0']).status === 0

describe.each(Object.entries(PROBES))('completions of %s', (name, { shell, args, probe }) => {
  it.skipIf(!isHere(shell)).each(TYPED)('offer what may follow %j', (typed, offered) => {
    const file = join(box.folder, name === 'powershell' ? 'script.ps1' : name)
    writeFileSync(file, scripts.get(name) ?? '')
    // Only bash and zsh take a name before the arguments.
    const own = name === 'bash' || name === 'zsh' ? ['probe'] : []
    const { stdout, stderr } = spawnSync(shell, [...args, probe, ...own, file, ...typed], { encoding: 'utf8' })
    expect(stderr).toBe('')
    expect(stdout.trim().split(' ').sort()).toEqual([...offered].sort())
  })

  it('name every command', () => {
    for (const word of ['ask', 'serve', 'doctor', 'uninstall', 'rollout candidate'])
      expect(scripts.get(name)).toContain(word)
  })
})

describe('completions of a shell that is not known', () => {
  it('name the one that was meant', async () => {
    const { stderr, exitCode } = await box.run(['completions', 'bsh'])
    expect(stderr).toContain('Did you mean bash?')
    expect(exitCode).toBe(2)
  })
})
