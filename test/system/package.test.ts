/**
 * The package as a user gets it: `npm run check:package` packs it, installs it in an empty folder and uses it with other versions of Node;
 * a clone runs with the packages of the run time alone.
 */
import { spawnSync } from 'node:child_process'
import { cpSync, mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { describe, expect, it } from 'vitest'

const ROOT = resolve(import.meta.dirname, '../..')

function npm(args: readonly string[], cwd: string): string {
  const { status, stdout, stderr } = spawnSync('npm', [...args], { cwd, encoding: 'utf8' })
  if (status !== 0) throw new Error(`npm ${args.join(' ')} ended with ${status}: ${stderr}${stdout}`)
  return stdout
}

describe('the packed package', () => {
  it('works with the oldest and the newest Node: command line, library, types, sizes, linters', () => {
    // The version between them is the one that all other tests run with.
    const report = JSON.parse(npm(['run', '--silent', 'check:package', '--', '--json', '--node', '22,26'], ROOT))
    expect(report).toMatchObject({
      nodeVersions: { 22: true, 26: true },
      types: true,
      publint: true,
      typesWrong: true,
      problems: [],
    })
    expect(report.unpackedMiB).toBeLessThan(4.5)
    expect(report.installedMiB).toBeLessThanOrEqual(35)
    expect(report.runtimeDependencies).toBeLessThanOrEqual(16)
  })
})

describe('a clone with the packages of the run time alone', () => {
  it('runs what was built, though no install script ran', () => {
    const clone = mkdtempSync(join(tmpdir(), 'spillway-clone-'))
    try {
      for (const part of ['package.json', 'package-lock.json', 'dist', 'engine', 'templates', 'schema.json'])
        cpSync(join(ROOT, part), join(clone, part), { recursive: true })
      npm(['ci', '--ignore-scripts', '--omit=dev', '--no-audit', '--no-fund'], clone)
      expect(readdirSync(join(clone, 'node_modules'))).not.toContain('vitest')
      const env = {
        ...process.env,
        XDG_STATE_HOME: join(clone, 'state'),
        XDG_DATA_HOME: join(clone, 'data'),
        XDG_CONFIG_HOME: join(clone, 'config'),
      }
      const ask = [join(clone, 'dist/cli/main.js'), 'ask', '--json', 'What is 3 + 4?']
      const asked = spawnSync(process.execPath, ask, { cwd: clone, encoding: 'utf8', env })
      expect(JSON.parse(asked.stdout)).toMatchObject({ answer: '7', decision: { route: 'solver' } })
    } finally {
      rmSync(clone, { recursive: true, force: true })
    }
  })
})
