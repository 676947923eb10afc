/** Runs the command line as its users do: as a process of its own, in folders of its own. */
import { spawn } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { resolvePaths } from '../../src/models/paths.ts'
import { checkJson } from './json-record.ts'

const MAIN = resolve(import.meta.dirname, '../../src/cli/main.ts')

/** Shared by all runs, as a user's cache folder is. */
const COMPILED = join(tmpdir(), 'spillway-tests-compiled')

export interface Finished {
  readonly exitCode: number | null
  readonly stdout: string
  readonly stderr: string
}

export interface Sandbox {
  /** The folder that commands run in; empty at first. */
  readonly folder: string
  readonly env: NodeJS.ProcessEnv
  run(
    args: readonly string[],
    settings?: { readonly input?: string; readonly env?: NodeJS.ProcessEnv },
  ): Promise<Finished>
  start(args: readonly string[], env?: NodeJS.ProcessEnv): ReturnType<typeof spawn>
  /** Stops the engine host that commands may have started, and removes every folder. */
  close(): Promise<void>
}

/**
 * Fresh configuration, state and working folders. The data folder, which holds engine and model, is the machine's own
 * unless `data: 'fresh'` is asked for. No provider key reaches the commands.
 */
export function sandbox(settings: { readonly data?: 'shared' | 'fresh' } = {}): Sandbox {
  const root = mkdtempSync(join(tmpdir(), 'spillway-cli-'))
  const {
    OPENAI_API_KEY: _openai,
    ANTHROPIC_API_KEY: _anthropic,
    SPILLWAY_MODEL_PATH: _path,
    ...inherited
  } = process.env
  const shared = join(resolvePaths(process.env, process.platform).dataDir, '..')
  const env = {
    ...inherited,
    NO_COLOR: '1',
    XDG_CONFIG_HOME: join(root, 'config'),
    XDG_STATE_HOME: join(root, 'state'),
    XDG_CACHE_HOME: join(root, 'cache'),
    // Every run of a test has folders of its own, and would compile everything anew.
    NODE_COMPILE_CACHE: COMPILED,
    XDG_DATA_HOME: settings.data === 'fresh' ? join(root, 'data') : shared,
  }
  const folder = mkdtempSync(join(root, 'work-'))
  const start: Sandbox['start'] = (args, more) =>
    spawn(process.execPath, [MAIN, ...args], { cwd: folder, env: { ...env, ...more }, stdio: ['pipe', 'pipe', 'pipe'] })
  const run: Sandbox['run'] = async (args, { input = '', env: more } = {}) => {
    const done = await finished(start(args, more), input)
    checkJson(args, done)
    return done
  }
  const close = async (): Promise<void> => {
    await run(['engine', 'stop'])
    rmSync(root, { recursive: true, force: true })
  }
  return { folder, env, start, run, close }
}

function finished(child: ReturnType<typeof spawn>, input: string): Promise<Finished> {
  return new Promise((resolveFinished, reject) => {
    const output = { stdout: '', stderr: '' }
    child.stdout?.setEncoding('utf8').on('data', (text: string) => {
      output.stdout += text
    })
    child.stderr?.setEncoding('utf8').on('data', (text: string) => {
      output.stderr += text
    })
    child.stdin?.on('error', () => undefined) // A command that does not read its input may close it first.
    child.stdin?.end(input)
    child.once('error', reject)
    child.once('close', (exitCode) => resolveFinished({ exitCode, ...output }))
  })
}
