import { existsSync } from 'node:fs'
import { access, mkdir, mkdtemp, readFile, rename, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { RouterError } from '../../spec/errors.ts'
import { withFileLock } from '../file-lock.ts'
import type { Paths } from '../paths.ts'
import { runTool, type ToolResult } from '../run-tool.ts'
import { composeEnginePackage, ENGINE_VERSION, type EnginePackage, type EngineVariant } from './engine-lock.ts'
import { programFile } from './program.ts'

/** Whether the engine can be used, and if not, why. */
export interface EngineState {
  readonly installed: boolean
  readonly version: string
  readonly variant: EngineVariant
  /** Where the engine is, or would be. */
  readonly path: string
  /** One sentence; null when installed. */
  readonly why: string | null
}

export interface EngineProgress {
  readonly phase: 'waiting' | 'downloading' | 'testing' | 'done'
  /** One sentence for people. */
  readonly detail: string
}

export interface InstallEngineRequest {
  readonly paths: Paths
  readonly signal: AbortSignal
  readonly variant?: EngineVariant
  readonly onProgress?: (progress: EngineProgress) => void
  /** The environment npm runs in; `process.env` by default. */
  readonly env?: NodeJS.ProcessEnv
}

/** The folder of one engine version and variant. */
export function engineDirectory(paths: Paths, variant: EngineVariant = 'cpu'): string {
  return join(paths.dataDir, 'engine', `${ENGINE_VERSION}-${variant}`)
}

/** The module to import from an installed engine. */
export function engineModuleUrl(path: string): string {
  return pathToFileURL(join(path, 'node_modules', 'node-llama-cpp', 'dist', 'index.js')).href
}

/** The quick form of `engineState`, for every request: the marker is written last, after the self-test. */
export function isEngineInstalled(paths: Paths, variant: EngineVariant = 'cpu'): boolean {
  return existsSync(join(engineDirectory(paths, variant), MARKER))
}

/** Reads the state from the disk; never installs. */
export async function engineState(paths: Paths, variant: EngineVariant = 'cpu'): Promise<EngineState> {
  const path = engineDirectory(paths, variant)
  const state = { version: ENGINE_VERSION, variant, path }
  try {
    await access(join(path, MARKER))
    const installed = JSON.parse(await readFile(join(path, 'node_modules/node-llama-cpp/package.json'), 'utf8')) as {
      version?: string
    }
    if (installed.version === ENGINE_VERSION) return { ...state, installed: true, why: null }
    return { ...state, installed: false, why: `version ${installed.version} lies where ${ENGINE_VERSION} belongs` }
  } catch {
    return { ...state, installed: false, why: 'it was never installed, or an installation was interrupted' }
  }
}

/**
 * Installs the engine with the user's own npm, tests it in a child process, then moves it into place. Two calls at
 * once, in one process or two, do one installation. Returns at once when it is installed.
 *
 * @throws RouterError engine_install_failed (npm absent, download or integrity failed, self-test failed), disk_full, cancelled
 */
export async function installEngine(request: InstallEngineRequest): Promise<EngineState> {
  const variant = request.variant ?? 'cpu'
  const before = await engineState(request.paths, variant)
  if (before.installed) return before
  const parent = join(request.paths.dataDir, 'engine')
  const report = request.onProgress ?? (() => undefined)
  try {
    await mkdir(parent, { recursive: true })
    return await withFileLock(
      {
        file: join(parent, `${ENGINE_VERSION}-${variant}.lock`),
        signal: request.signal,
        onWait: () => report({ phase: 'waiting', detail: 'Another process is installing the engine.' }),
      },
      async () => {
        const now = await engineState(request.paths, variant)
        return now.installed ? now : await installInto(before, request, report)
      },
    )
  } catch (error) {
    throw installError(error, before.path, request.signal)
  }
}

const MARKER = 'spillway-engine.json'

async function installInto(
  target: EngineState,
  request: InstallEngineRequest,
  report: (progress: EngineProgress) => void,
): Promise<EngineState> {
  const engine = await composeEnginePackage(`${process.platform}-${process.arch}`, target.path)
  const staging = await mkdtemp(`${target.path}.partial-`)
  try {
    report({ phase: 'downloading', detail: downloadSentence(engine) })
    await runNpm(staging, engine, request, target.path)
    report({ phase: 'testing', detail: 'Loading the engine in a process of its own.' })
    await selfTest(staging, request, target.path)
    await writeFile(join(staging, MARKER), JSON.stringify({ version: ENGINE_VERSION, variant: target.variant }))
    await rm(target.path, { recursive: true, force: true })
    await rename(staging, target.path)
  } finally {
    await rm(staging, { recursive: true, force: true })
  }
  report({ phase: 'done', detail: `Engine ${ENGINE_VERSION} (${target.variant}) is installed.` })
  return { ...target, installed: true, why: null }
}

function downloadSentence(engine: EnginePackage): string {
  const base = `Downloading ${engine.platformPackage} ${ENGINE_VERSION} and its dependencies with npm (about 30 MB).`
  return engine.pinned ? base : `${base} The shipped lock has no hash for this platform; npm checks the registry's own.`
}

/** Install scripts would try to compile llama.cpp or fetch sources; the ready-made binaries need none. */
const NPM_ARGUMENTS = [
  'ci',
  '--omit=optional',
  '--omit=dev',
  '--ignore-scripts',
  '--no-audit',
  '--no-fund',
  '--loglevel=error',
]

/** A slow line needs minutes for 30 MB; past this npm hangs. */
const NPM_TIMEOUT_MS = 15 * 60_000

async function runNpm(
  folder: string,
  engine: EnginePackage,
  request: InstallEngineRequest,
  path: string,
): Promise<void> {
  await writeFile(join(folder, 'package.json'), engine.packageJson)
  await writeFile(join(folder, 'package-lock.json'), engine.lockJson)
  const result = await runTool({
    command: 'npm',
    arguments: NPM_ARGUMENTS,
    folder,
    env: request.env ?? process.env,
    signal: request.signal,
    timeoutMs: NPM_TIMEOUT_MS,
  })
  if (result.exitCode !== 0) throw npmError(result, path)
}

function npmError(result: ToolResult, path: string): RouterError {
  if (result.missing) {
    return new RouterError('engine_install_failed', {
      path,
      problem: 'npm was not found',
      fix: 'Install npm (it comes with Node.js) and make sure that PATH holds it.',
    })
  }
  if (/ENOSPC/.test(result.stderr)) return new RouterError('disk_full', { path })
  if (/EINTEGRITY/.test(result.stderr)) {
    return new RouterError('engine_install_failed', {
      path,
      problem: 'a downloaded package does not have the pinned checksum',
      fix: 'Run `npm cache clean --force` and try again; if it repeats, do not trust the registry or proxy in use.',
    })
  }
  const problem = result.timedOut ? `npm took longer than ${NPM_TIMEOUT_MS / 60_000} minutes` : lastLine(result.stderr)
  return new RouterError('engine_install_failed', {
    path,
    problem,
    fix: 'Check that npm reaches its registry (`npm ping`), then run `spillway engine install` again.',
  })
}

function lastLine(text: string): string {
  const lines = text.split('\n').filter((line) => /npm (error|ERR!)/.test(line) && !/complete log/i.test(line))
  return (lines[0] ?? 'npm failed without a message').replace(/^npm (error|ERR!) ?/, '').slice(0, 200)
}

const SELF_TEST_TIMEOUT_MS = 60_000

async function selfTest(folder: string, request: InstallEngineRequest, path: string): Promise<void> {
  const result = await runTool({
    command: process.execPath,
    arguments: [programFile('self-test'), engineModuleUrl(folder)],
    folder,
    env: request.env ?? process.env,
    signal: request.signal,
    timeoutMs: SELF_TEST_TIMEOUT_MS,
  })
  if (result.exitCode === 0) return
  const cause = /Error: (.{1,160})/.exec(result.stderr)?.[1] ?? `exit code ${result.exitCode}`
  throw new RouterError('engine_install_failed', {
    path,
    problem: `the self-test failed (${cause})`,
    fix: 'The binaries need glibc 2.31 or newer on Linux and a processor with AVX or NEON; otherwise configure another provider.',
  })
}

function installError(error: unknown, path: string, signal: AbortSignal): unknown {
  if (error instanceof RouterError) return error
  if (signal.aborted) return new RouterError('cancelled', { requestId: 'engine install' }, error)
  const code = (error as NodeJS.ErrnoException).code
  if (code === 'ENOSPC') return new RouterError('disk_full', { path }, error)
  const problem = error instanceof Error ? error.message : String(error)
  return new RouterError(
    'engine_install_failed',
    { path, problem, fix: 'Make the data directory writable, or move it with XDG_DATA_HOME.' },
    error,
  )
}
