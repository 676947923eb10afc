/** The gateway as a service: installed, upgraded from packed files, taken back, and uninstalled, as its user would. */
import { spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { delimiter, join, resolve } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { fakeSystemctl } from '../support/fake-systemctl.ts'

const ROOT = resolve(import.meta.dirname, '../..')
let root = ''
let env: NodeJS.ProcessEnv = {}
let main = ''
let packed = ''
let broken = ''

function run(command: readonly string[], cwd: string): string {
  const [tool = '', ...args] = command
  const { status, stderr, stdout } = spawnSync(tool, args, { cwd, encoding: 'utf8' })
  if (status !== 0) throw new Error(`${command.join(' ')} ended with ${status}: ${stderr}`)
  return stdout
}

beforeAll(() => {
  root = mkdtempSync(join(tmpdir(), 'spillway-service-'))
  run(['npm', 'pack', '--ignore-scripts', '--pack-destination', root], ROOT)
  packed = join(root, readdirSync(root).find((file) => file.endsWith('.tgz')) ?? '')
  const home = join(root, 'home of ann')
  mkdirSync(home)
  writeFileSync(join(root, 'package.json'), '{ "private": true }\n')
  run(['npm', 'install', '--ignore-scripts', '--no-audit', '--no-fund', packed], root)
  main = join(root, 'node_modules/spillway/dist/cli/main.js')
  broken = join(root, 'broken.tgz')
  run(['tar', 'xzf', packed], root)
  const serve = "export async function startGateway() { throw new Error('this version is broken') }\n"
  writeFileSync(join(root, 'package/dist/gateway/serve.js'), serve)
  run(['tar', 'czf', broken, 'package'], root)
  env = {
    ...process.env,
    npm_config_cache: run(['npm', 'config', 'get', 'cache'], ROOT).trim(),
    PATH: [fakeSystemctl(join(root, 'bin')), process.env.PATH].join(delimiter),
    HOME: home,
    XDG_CONFIG_HOME: join(home, 'config'),
    XDG_STATE_HOME: join(home, 'state'),
    XDG_DATA_HOME: join(home, 'data'),
    XDG_CACHE_HOME: join(home, 'cache'),
  }
  writeFileSync(join(root, 'policy.yaml'), 'gateway: { port: 0 }\n')
}, 240_000)

afterAll(() => {
  spillway('service', 'uninstall')
  rmSync(root, { recursive: true, force: true })
})

interface Ran {
  readonly code: number | null
  readonly stderr: string
  readonly value: Readonly<Record<string, unknown>>
}

function spillway(...words: readonly string[]): Ran {
  const ran = spawnSync(process.execPath, [main, ...words, '--json'], { cwd: root, env, encoding: 'utf8' })
  const value = ran.stdout.trim() === '' ? {} : (JSON.parse(ran.stdout) as Record<string, unknown>)
  return { code: ran.status, stderr: ran.stderr, value }
}

function data(...parts: readonly string[]): string {
  return join(env.XDG_DATA_HOME ?? '', 'spillway', ...parts)
}

describe.runIf(process.platform === 'linux')('spillway service', () => {
  it('says that none is installed', () => {
    expect(spillway('service', 'status')).toMatchObject({ code: 1, value: { installed: false, running: false } })
    expect(spillway('service', 'rollback').code).toBe(2)
  })

  it('is installed, answers, and says where everything is', async () => {
    const installed = spillway('service', 'install', '--policy', 'policy.yaml')
    expect(installed.stderr).toContain('service.env, one NAME=value a line')
    expect(installed).toMatchObject({ code: 0, value: { manager: 'systemd', program: main } })
    expect((await fetch(`${installed.value.url}/healthz`)).ok).toBe(true)
    expect(spillway('service', 'status')).toMatchObject({
      code: 0,
      value: { running: true, url: installed.value.url, previous: null },
    })
    expect(readFileSync(String(installed.value.log), 'utf8')).toContain('"path":"/healthz"')
    expect(spillway('service', 'install').stderr).toContain('The service is installed already')
    expect(spillway('uninstall', '--yes').stderr).toContain('Run `spillway service uninstall`.')
  })

  it('runs another version after an upgrade, and keeps the one before', async () => {
    const upgraded = spillway('service', 'upgrade', '--from', packed)
    expect({ code: upgraded.code, stderr: upgraded.code === 0 ? '' : upgraded.stderr }).toEqual({ code: 0, stderr: '' })
    expect(upgraded.value).toMatchObject({ previous: { program: main } })
    expect(String(upgraded.value.program).startsWith(data('versions'))).toBe(true)
    expect((await fetch(`${upgraded.value.url}/healthz`)).ok).toBe(true)
  })

  it('goes back by itself when the new version does not answer', async () => {
    const before = spillway('service', 'status')
    const failed = spillway('service', 'upgrade', '--from', broken)
    expect(failed.code).toBe(2)
    expect(failed.stderr).toContain('did not answer')
    expect(failed.stderr).toContain('The one before runs again.')
    const { value } = spillway('service', 'status')
    expect(value).toMatchObject({ running: true, program: before.value.program })
    expect((await fetch(`${value.url}/healthz`)).ok).toBe(true)
    expect(readdirSync(data('versions'))).toHaveLength(1)
  })

  it('refuses what is no version, and changes nothing', () => {
    const before = spillway('service', 'status').value
    for (const from of ['left-pad', 'spillway@1 && true', './nothing.tgz'])
      expect(spillway('service', 'upgrade', '--from', from)).toMatchObject({ code: 2, value: {} })
    expect(spillway('service', 'status').value).toEqual(before)
  })

  it('rolls back to the version before, and forth again', () => {
    const { value } = spillway('service', 'status')
    expect(spillway('service', 'rollback')).toMatchObject({
      code: 0,
      value: { program: main, previous: { program: value.program } },
    })
    expect(spillway('service', 'rollback')).toMatchObject({ code: 0, value: { program: value.program } })
  })

  it('is uninstalled: it stops, and what was recorded stays', async () => {
    const { value } = spillway('service', 'status')
    expect(spillway('service', 'uninstall').code).toBe(0)
    await expect(fetch(`${value.url}/healthz`)).rejects.toThrow()
    expect(existsSync(join(env.XDG_CONFIG_HOME ?? '', 'systemd/user/spillway.service'))).toBe(false)
    expect(existsSync(join(env.XDG_STATE_HOME ?? '', 'spillway/operator.key'))).toBe(true)
    expect(readdirSync(data('versions'))).toEqual([])
    expect(spillway('service', 'status').code).toBe(1)
  })

  it('is shown and not run where there is no such tool', () => {
    const bare = { ...env, PATH: join(root, 'nothing') }
    const ran = (...words: readonly string[]) =>
      spawnSync(process.execPath, [main, 'service', 'install', ...words], { cwd: root, env: bare, encoding: 'utf8' })
    const refused = ran()
    expect(refused.status).toBe(2)
    expect(refused.stderr).toContain('systemctl is not on this machine, so no service can be run.')
    expect(refused.stderr).toContain('`spillway service install --print` shows the file.')
    expect(existsSync(join(env.XDG_CONFIG_HOME ?? '', 'systemd/user/spillway.service'))).toBe(false)
    const shown = ran('--print')
    expect(shown.status).toBe(0)
    expect(shown.stdout).toContain('ExecStart=')
    expect(shown.stdout).toContain('# then: systemctl --user restart spillway.service')
  })
})
