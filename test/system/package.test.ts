/** The package as a user gets it: packed, installed in an empty folder, run and imported from there. */
import { spawnSync } from 'node:child_process'
import { cpSync, mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'

const ROOT = resolve(import.meta.dirname, '../..')
let folder = ''
let packed = ''

function npm(args: readonly string[], cwd: string): void {
  const { status, stderr } = spawnSync('npm', [...args], { cwd, encoding: 'utf8' })
  if (status !== 0) throw new Error(`npm ${args.join(' ')} ended with ${status}: ${stderr}`)
}

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'spillway-package-'))
  npm(['pack', '--ignore-scripts', '--pack-destination', folder], ROOT)
  packed = join(folder, readdirSync(folder).find((file) => file.endsWith('.tgz')) ?? '')
  writeFileSync(join(folder, 'package.json'), '{ "name": "app", "private": true, "type": "module" }\n')
  npm(['install', '--ignore-scripts', '--no-audit', '--no-fund', packed], folder)
}, 240_000)

afterAll(() => rmSync(folder, { recursive: true, force: true }))

function sizeOf(path: string): number {
  if (!statSync(path).isDirectory()) return statSync(path).size
  return readdirSync(path).reduce((sum, name) => sum + sizeOf(join(path, name)), 0)
}

function node(args: readonly string[]): {
  readonly status: number | null
  readonly stdout: string
  readonly stderr: string
} {
  const env = {
    ...process.env,
    XDG_STATE_HOME: join(folder, 'state'),
    XDG_DATA_HOME: join(folder, 'data'),
    XDG_CONFIG_HOME: join(folder, 'config'),
  }
  return spawnSync(process.execPath, [...args], { cwd: folder, encoding: 'utf8', env })
}

describe('the packed package', () => {
  it('is small without the engine', () => {
    expect(statSync(packed).size).toBeLessThan(1_500_000)
    expect(sizeOf(join(folder, 'node_modules/spillway'))).toBeLessThan(4_000_000)
  })

  it('holds no declaration file that no entry leads to', () => {
    const shipped = readdirSync(join(folder, 'node_modules/spillway/dist'), { recursive: true, encoding: 'utf8' })
    expect(shipped).toContain('index.d.ts')
    expect(shipped.filter((path) => path.startsWith('cli/') && path.endsWith('.d.ts'))).toEqual([])
  })

  it('answers on the command line before any model is there', () => {
    const asked = node(['node_modules/spillway/dist/cli/main.js', 'ask', '--json', 'What is 2 + 2?'])
    expect(JSON.parse(asked.stdout)).toMatchObject({
      answer: '4',
      decision: { route: 'solver', model: null },
      costUsd: 0,
    })
    expect(asked.status).toBe(0)
  })

  it('is a library with types', () => {
    writeFileSync(
      join(folder, 'app.mjs'),
      `import { createRouter, RouterError } from 'spillway'
import { scriptedModel } from 'spillway/testing'
const policy = {
  models: { small: { provider: 'embedded', model: 'm', tier: 'local_fast' } },
  tasks: { color: { kind: 'choice', labels: ['red', 'blue'], local: 'small', accept: { uncalibrated: true } } },
}
const models = { small: scriptedModel({ name: 'small', decisions: [{ probabilities: { red: 0.9, blue: 0.1 } }] }) }
const router = createRouter({ policy, models })
const outcome = await router.complete({ messages: [{ role: 'user', content: 'roses' }], metadata: { task: 'color' } })
const failed = await router.complete({ messages: [] }).catch((error) => error instanceof RouterError && error.code)
console.log(JSON.stringify({ answer: outcome.answer, route: outcome.decision.route, rows: router.audit({ task: 'color' }).length, failed }))
await router.close()
`,
    )
    const ran = node(['app.mjs'])
    expect(ran.stderr).toBe('')
    expect(JSON.parse(ran.stdout)).toEqual({ answer: 'red', route: 'local', rows: 1, failed: 'request_invalid' })
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
      const asked = node([join(clone, 'dist/cli/main.js'), 'ask', '--json', 'What is 3 + 4?'])
      expect(JSON.parse(asked.stdout)).toMatchObject({ answer: '7', decision: { route: 'solver' } })
    } finally {
      rmSync(clone, { recursive: true, force: true })
    }
  })
})
