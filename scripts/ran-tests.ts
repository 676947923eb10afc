/** Runs tests and reads how each of them ended. */
import { spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'

export const ROOT = resolve(import.meta.dirname, '..')

export interface RanTest {
  /** Path from the root of the repository. */
  readonly file: string
  /** With the titles of what it stands in. */
  readonly name: string
  readonly status: string
  readonly ms: number
  /** What the test measured, where it says so (`task.meta.figure`). */
  readonly figure: string | null
}

interface Report {
  readonly testResults: readonly {
    readonly name: string
    readonly assertionResults: readonly {
      readonly fullName: string
      readonly status: string
      readonly duration?: number
      readonly meta?: { readonly figure?: string }
    }[]
  }[]
}

/** @param words further words for the command line of vitest */
export function ranTests(files: readonly string[], words: readonly string[] = []): readonly RanTest[] {
  const folder = mkdtempSync(join(tmpdir(), 'spillway-ran-'))
  const out = join(folder, 'report.json')
  try {
    const vitest = join(ROOT, 'node_modules/vitest/vitest.mjs')
    spawnSync(process.execPath, [vitest, 'run', ...words, '--reporter=json', `--outputFile=${out}`, ...files], {
      cwd: ROOT,
      stdio: ['ignore', 'ignore', 'inherit'],
    })
    const { testResults } = JSON.parse(readFileSync(out, 'utf8')) as Report
    return testResults.flatMap(({ name: path, assertionResults }) =>
      assertionResults.map(({ fullName, status, duration = 0, meta }) => ({
        file: path.slice(ROOT.length + 1),
        name: fullName,
        status,
        ms: duration,
        figure: meta?.figure ?? null,
      })),
    )
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}
