/** Versions of the package that the service may run, each in a folder of its own. */
import { spawn } from 'node:child_process'
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { join, resolve, sep } from 'node:path'
import { z } from 'zod'
import { usage } from '../failure.ts'
import type { InstalledVersion } from './record.ts'

const manifestSchema = z.object({ name: z.literal('spillway'), version: z.string().regex(/^[\w.+-]{1,60}$/) })

const MAIN = ['dist', 'cli', 'main.js']

/** The package that a program belongs to. @throws RouterError usage: it is no Spillway */
export function versionOf(packageFolder: string): InstalledVersion {
  const program = join(packageFolder, ...MAIN)
  try {
    const { version } = manifestSchema.parse(JSON.parse(readFileSync(join(packageFolder, 'package.json'), 'utf8')))
    if (existsSync(program)) return { program, version }
  } catch {
    // Told below.
  }
  throw usage(
    `${packageFolder} holds no Spillway that can be run`,
    'Name a package such as spillway@1.2.3, or a .tgz file of it.',
  )
}

export interface Installing {
  readonly dataDir: string
  /** `spillway`, `spillway@1.2.3`, or the path of a packed file. */
  readonly from: string
  readonly node: string
  readonly env: Readonly<Record<string, string | undefined>>
  readonly signal: AbortSignal
  readonly say: (line: string) => void
}

/**
 * Installs a version beside those that are there, and lets it say its own version, which needs all of its files.
 *
 * @throws RouterError usage: npm could not, or what came is no Spillway that runs here
 */
export async function installVersion(installing: Installing): Promise<InstalledVersion> {
  const spec = specOf(installing.from)
  const root = join(installing.dataDir, 'versions')
  mkdirSync(root, { recursive: true, mode: 0o700 })
  const draft = mkdtempSync(join(root, '.new-'))
  try {
    writeFileSync(join(draft, 'package.json'), '{ "private": true }\n')
    installing.say(`Installing ${installing.from} into ${root}.`)
    const flags = ['--ignore-scripts', '--omit=dev', '--no-audit', '--no-fund', '--no-progress']
    await run([npmOf(installing.node), 'install', ...flags, spec], { ...installing, cwd: draft })
    const { version } = versionOf(join(draft, 'node_modules', 'spillway'))
    const folder = freeFolder(root, version)
    renameSync(draft, folder)
    const installed = versionOf(join(folder, 'node_modules', 'spillway'))
    await run([installing.node, installed.program, '--version'], { ...installing, cwd: folder }).catch(
      (error: unknown) => {
        rmSync(folder, { recursive: true, force: true })
        throw error
      },
    )
    return installed
  } finally {
    rmSync(draft, { recursive: true, force: true })
  }
}

/** Removes versions that are neither in use nor what a rollback goes to. */
export function removeOthers(dataDir: string, kept: readonly (InstalledVersion | null)[]): void {
  const root = join(dataDir, 'versions')
  if (!existsSync(root)) return
  for (const name of readdirSync(root)) {
    const folder = join(root, name)
    if (!kept.some((one) => one?.program.startsWith(folder + sep))) rmSync(folder, { recursive: true, force: true })
  }
}

function specOf(from: string): string {
  if (/^spillway(?:@[\w.+~^-]{1,60})?$/.test(from)) return from
  if (from.endsWith('.tgz') && existsSync(from)) return resolve(from)
  throw usage(
    `--from ${from} is neither a version nor a file that is there`,
    'Write spillway@1.2.3, or the path of a .tgz file.',
  )
}

function freeFolder(root: string, version: string): string {
  let folder = join(root, version)
  for (let count = 2; existsSync(folder); count += 1) folder = join(root, `${version}.${count}`)
  return folder
}

function npmOf(node: string): string {
  const beside = join(node, '..', process.platform === 'win32' ? 'npm.cmd' : 'npm')
  return existsSync(beside) ? beside : process.platform === 'win32' ? 'npm.cmd' : 'npm'
}

interface Running extends Pick<Installing, 'env' | 'signal'> {
  readonly cwd: string
}

const LAST_CHARS = 600
/** A package of 5 MB over a slow line; npm itself tries for ever when a registry is not believed. */
const RUN_MS = 600_000

function run([tool = '', ...args]: readonly string[], { env, signal, cwd }: Running): Promise<void> {
  return new Promise((done, reject) => {
    const child = spawn(tool, [...args], {
      cwd,
      env: { ...env },
      signal: AbortSignal.any([signal, AbortSignal.timeout(RUN_MS)]),
      stdio: ['ignore', 'ignore', 'pipe'],
      // A .cmd file needs a shell; what it is given was checked word by word.
      shell: /\.cmd$/i.test(tool),
    })
    let said = ''
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      said = (said + text).slice(-LAST_CHARS)
    })
    const failed = (why: string): void => {
      const words = said.trim().replace(/\s+/g, ' ')
      reject(
        usage(
          `${[tool, ...args].join(' ')} ${why}${words === '' ? '' : `: ${words}`}`,
          'Nothing was changed. Mend that, and try again.',
        ),
      )
    }
    child.once('error', (error: NodeJS.ErrnoException) => failed(`cannot be run (${error.code ?? error.message})`))
    child.once('close', (code) => (code === 0 ? done() : failed(`ended with ${code}`)))
  })
}
