/** Runs a program of `examples/` as its reader would, with the sources in place of the package. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { join, resolve } from 'node:path'
import type { Finished, Sandbox } from '../cli/spillway.ts'
import { PACKAGE_IS_SCRIPTED, PACKAGE_IS_SOURCES } from './sources.ts'

const EXAMPLES = resolve(import.meta.dirname, '../../examples')

export function exampleFile(name: string): string {
  return join(EXAMPLES, name)
}

export interface ExampleSettings {
  readonly env?: NodeJS.ProcessEnv
  readonly input?: string
  /** With a scripted local model, which knows a failure by its words, in place of the real one. */
  readonly scripted?: true
}

/** @param program in `examples/`, for example `document-qa/ask.mjs` */
export async function runExample(
  box: Sandbox,
  [program, ...args]: readonly [string, ...string[]],
  { env = {}, input = '', scripted }: ExampleSettings = {},
): Promise<Finished> {
  const all = ['--import', scripted ? PACKAGE_IS_SCRIPTED : PACKAGE_IS_SOURCES, exampleFile(program), ...args]
  const child = spawn(process.execPath, all, { cwd: box.folder, env: { ...box.env, ...env }, stdio: 'pipe' })
  const said = { stdout: '', stderr: '' }
  for (const stream of ['stdout', 'stderr'] as const)
    child[stream].setEncoding('utf8').on('data', (piece: string) => {
      said[stream] += piece
    })
  child.stdin.end(input)
  const [exitCode] = (await once(child, 'close')) as [number | null]
  return { exitCode, ...said }
}

/** One object a line. */
export function jsonLines(text: string): readonly Readonly<Record<string, unknown>>[] {
  return text.split('\n').flatMap((line) => (line === '' ? [] : [JSON.parse(line)]))
}
