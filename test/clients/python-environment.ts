/** The virtual environment of the Python clients: made once for a list of requirements, and used again. */
import { spawn } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync, readFileSync, renameSync, rmSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { REQUIREMENTS } from './versions.ts'

const CACHE = resolve(import.meta.dirname, '../../node_modules/.cache/spillway-clients')
const IS_WINDOWS = process.platform === 'win32'
/** Of each step; the whole takes a quarter of a minute where the index is near. */
const PATIENCE_MS = 90_000

export interface PythonEnvironment {
  /** The interpreter; null where there is none. */
  readonly python: string | null
  /** Why there is none. */
  readonly absent: string | null
}

/** Needs `python3` with `venv`, and a package index that pip reaches. */
export async function pythonEnvironment(): Promise<PythonEnvironment> {
  const digest = createHash('sha256').update(readFileSync(REQUIREMENTS)).digest('hex').slice(0, 16)
  const folder = join(CACHE, digest)
  const python = join(folder, IS_WINDOWS ? 'Scripts/python.exe' : 'bin/python')
  const mark = join(folder, 'whole')
  // The interpreter it was made from may be gone meanwhile.
  if (existsSync(mark) && (await failureOf(python, ['-c', 'import openai, anthropic'])) === null)
    return { python, absent: null }
  const absent = await make(folder, python)
  if (absent !== null) return { python: null, absent }
  return { python, absent: null }
}

/** Two runs at once would make the same folder; the mark comes last, so that half of one is never taken for whole. */
async function make(folder: string, python: string): Promise<string | null> {
  rmSync(folder, { recursive: true, force: true })
  const venv = await failureOf(IS_WINDOWS ? 'python' : 'python3', ['-m', 'venv', folder])
  if (venv !== null) return `python3 -m venv: ${venv}`
  // Wheels only: nothing of a package runs while it is installed.
  const words = [
    '-m',
    'pip',
    'install',
    '--quiet',
    '--disable-pip-version-check',
    '--only-binary',
    ':all:',
    '--retries',
    '1',
  ]
  const installed = await failureOf(python, [...words, '--requirement', REQUIREMENTS])
  if (installed !== null) return `pip install: ${installed}`
  const wrong = await failureOf(python, [
    '-c',
    `import openai, anthropic; open(${JSON.stringify(join(folder, 'draft'))}, 'w').close()`,
  ])
  if (wrong !== null) return wrong
  renameSync(join(folder, 'draft'), join(folder, 'whole'))
  return null
}

/** @returns the last line it said; null when it ended well */
function failureOf(command: string, words: readonly string[]): Promise<string | null> {
  return new Promise((done) => {
    const child = spawn(command, words, { stdio: ['ignore', 'ignore', 'pipe'], timeout: PATIENCE_MS })
    let said = ''
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      said += text
    })
    child.once('error', (error) => done(error.message))
    child.once('close', (code) => done(code === 0 ? null : (said.trim().split('\n').at(-1) ?? `exit code ${code}`)))
  })
}
