/** A person's first command: the files of a fresh clone, nothing installed, nothing downloaded, no key set. */
import { execFileSync, spawnSync } from 'node:child_process'
import { cpSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join, resolve } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'

const ROOT = resolve(import.meta.dirname, '../..')
const FILES = ['ls-files', '--cached', '--others', '--exclude-standard', '-z']

interface Run {
  readonly status: number | null
  readonly stdout: string
  readonly stderr: string
}

let folder = ''
let first: Run
let second: Run

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'spillway-clone-'))
  const files = execFileSync('git', FILES, { cwd: ROOT, encoding: 'utf8' })
    .split('\0')
    .filter((file) => file !== '')
  for (const file of files) {
    const target = join(folder, 'clone', file)
    mkdirSync(dirname(target), { recursive: true })
    cpSync(join(ROOT, file), target)
  }
  first = npmRun('quickstart')
  second = npmRun('quickstart')
}, 10 * 60_000)

afterAll(() => {
  npmRun('exec', ['--', 'spillway', 'engine', 'stop'])
  rmSync(folder, { recursive: true, force: true })
})

function npmRun(command: string, args: readonly string[] = []): Run {
  const { OPENAI_API_KEY: _openai, ANTHROPIC_API_KEY: _anthropic, ...inherited } = process.env
  const env = {
    ...inherited,
    XDG_DATA_HOME: join(folder, 'data'),
    XDG_STATE_HOME: join(folder, 'state'),
    XDG_CACHE_HOME: join(folder, 'cache'),
    XDG_CONFIG_HOME: join(folder, 'config'),
  }
  const words = command === 'exec' ? ['exec', ...args] : ['run', command]
  return spawnSync('npm', words, { cwd: join(folder, 'clone'), encoding: 'utf8', env })
}

function row(run: Run, input: string): string {
  return run.stdout.split('\n').find((line) => line.startsWith(input)) ?? ''
}

describe('quickstart on a fresh clone', () => {
  it('installs, builds, fetches engine and model, runs the tour, and ends well', () => {
    expect(first.stderr).toMatch(/^ready in [\d.]+ s: downloads [\d.]+ s, all else [\d.]+ s$/m)
    expect(first.status).toBe(0)
  })

  it('shows an answer that was accepted locally, a held log and an exact answer', () => {
    expect(row(first, 'vitest-401-passed.log')).toMatch(/ test +local +local_accepted +no +small /)
    expect(row(first, 'npm-401.log')).toMatch(/ held +hard_stop_access +no /)
    expect(row(first, 'arithmetic')).toMatch(/ 6510 +solver +solver_answered +no /)
  })

  it('says that no key is set instead of making up a cloud answer', () => {
    expect(first.stdout).toMatch(/^hard question: would go to haiku: no key set \(ANTHROPIC_API_KEY\)$/m)
    // On a machine that is busy the draft may run into its deadline before a gate can find it unsure.
    expect(row(first, 'hard question')).toMatch(/ local, degraded +(entropy_high|incomplete) +no +small /)
  })

  it('does nothing twice', () => {
    expect(second.stderr).toMatch(/^packages: [\d.]+ s \(nothing to do\)$/m)
    expect(second.stderr).toMatch(/^build: [\d.]+ s \(nothing to do\)$/m)
    expect(second.stdout).toContain('(cache, sha256 ')
    expect(second.status).toBe(0)
  })
})
