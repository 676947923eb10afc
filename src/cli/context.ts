/** What every command gets: the terminal, the environment and the wish to stop. */
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { Command } from 'commander'
import type { Clock } from '../spec/ports.ts'
import type { Terminal } from './terminal.ts'

export interface CliContext {
  readonly terminal: Terminal
  readonly env: Readonly<Record<string, string | undefined>>
  /** What the moves of a rollout and the fits of a threshold are dated by. */
  readonly clock: Clock
  /** Aborts at the first Ctrl-C or SIGTERM. */
  readonly signal: AbortSignal
}

/** Adds one command to the program, and its name to the modules that are loaded. */
export type AddCommand = (program: Command, context: CliContext) => void

/** A command that takes `--json`, as all do. */
export function addCommand(parent: Command, nameAndArguments: string, description: string): Command {
  return parent
    .command(nameAndArguments)
    .description(description)
    .option('--json', 'print JSON on stdout; an error is a JSON object on the last line of stderr')
}

/** A file of the package, the same from `src/cli` and from `dist/cli`. */
export function packageFile(...parts: readonly string[]): string {
  return join(fileURLToPath(new URL('../../', import.meta.url)), ...parts)
}

/** The version of the package, for example `1.2.3`. */
export function packageVersion(): string {
  const manifest = JSON.parse(readFileSync(packageFile('package.json'), 'utf8')) as { readonly version: string }
  return manifest.version
}

/** The names of the policy templates that the package holds. */
export const TEMPLATES = [
  'agent',
  'log-triage',
  'support-tickets',
  'document-qa',
  'private-notes',
  'developer',
  'roles',
  'tour',
] as const

/** @returns the path of a shipped policy template */
export function templateFile(name: (typeof TEMPLATES)[number]): string {
  const file = packageFile('templates', `${name}.yaml`)
  if (!existsSync(file)) throw new Error(`the package is incomplete: ${file} is missing`)
  return file
}
