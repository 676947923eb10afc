/** What `doctor --fix` repairs, says, and leaves alone. */
import { chmodSync, existsSync, mkdirSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { resolvePaths } from '../../src/models/paths.ts'
import { json, startScriptedCloud } from '../support/scripted-cloud.ts'
import { type Sandbox, sandbox } from './spillway.ts'

let box: Sandbox
let stateDir = ''
beforeEach(() => {
  box = sandbox({ data: 'fresh' })
  stateDir = resolvePaths(box.env, process.platform).stateDir
})
afterEach(() => box.close())

interface Report {
  readonly ok: boolean
  readonly checks: readonly {
    readonly name: string
    readonly state: string
    readonly why: string
    readonly fix: string | null
  }[]
  readonly fixed: readonly { readonly name: string; readonly did: string | null; readonly problem: string | null }[]
}

async function doctor(args: readonly string[] = [], env: NodeJS.ProcessEnv = {}): Promise<Report> {
  return JSON.parse((await box.run(['doctor', '--json', ...args], { env })).stdout) as Report
}
const states = ({ checks }: Report) => Object.fromEntries(checks.map(({ name, state }) => [name, state]))

describe('doctor --fix', () => {
  it('makes the state folder, closes what others can read, and removes the record of a server that is gone', async () => {
    expect(states(await doctor())).toMatchObject({ state: 'warn' })
    mkdirSync(stateDir, { recursive: true })
    const key = join(stateDir, 'operator.key')
    const record = join(stateDir, 'server.json')
    writeFileSync(key, 'secret')
    writeFileSync(record, JSON.stringify({ url: 'http://127.0.0.1:9', policyDigest: '', keyFile: key, pid: 2 ** 30 }))
    chmodSync(stateDir, 0o755)
    chmodSync(key, 0o644)
    const before = await doctor()
    expect(states(before)).toMatchObject({ secrets: 'fail', server: 'warn' })
    expect(before.checks.find(({ name }) => name === 'secrets')?.fix).toContain(`chmod 600 ${key}`)
    expect(statSync(key).mode & 0o077).toBe(0o044)
    const after = await doctor(['--fix'])
    expect(after.fixed.map(({ name, problem }) => [name, problem])).toEqual([
      ['secrets', null],
      ['server', null],
    ])
    expect(states(after)).toMatchObject({ secrets: 'ok' })
    expect([statSync(key).mode & 0o777, statSync(stateDir).mode & 0o777, existsSync(record)]).toEqual([
      0o600,
      0o700,
      false,
    ])
    rmSync(stateDir, { recursive: true })
    expect((await doctor(['--fix'])).fixed).toMatchObject([{ name: 'state', did: expect.stringContaining(stateDir) }])
  })

  it('leaves the record of a process that lives', async () => {
    mkdirSync(stateDir, { recursive: true, mode: 0o700 })
    const record = join(stateDir, 'server.json')
    const text = JSON.stringify({ url: 'http://127.0.0.1:9', policyDigest: '', keyFile: 'x', pid: process.pid })
    writeFileSync(record, text, { mode: 0o600 })
    const report = await doctor(['--fix'])
    expect(report.checks.find(({ name }) => name === 'server')?.why).toContain(`Process ${process.pid}`)
    expect([report.fixed, existsSync(record)]).toEqual([[], true])
  })

  it('fetches nothing unless that is asked for', async () => {
    const report = await doctor(['--fix'])
    expect(states(report)).toMatchObject({ engine: 'warn', 'model small': 'warn', answers: 'fail' })
    expect(report.fixed.map(({ name }) => name)).toEqual(['state'])
    const alone = await box.run(['doctor', '--install'])
    expect([alone.exitCode, alone.stderr]).toEqual([2, expect.stringContaining('doctor --fix --install')])
  })

  it('closes a policy file that holds a secret, and says that the secret still stands in it', async () => {
    const secret = `sk-${'proj-a1B2c3D4e5F6g7H8i9J0k1L2'}`
    writeFileSync(
      join(box.folder, 'spillway.yaml'),
      `# OPENAI_API_KEY=${secret}\nmodels: { small: { provider: embedded, model: smollm2-135m-instruct, tier: local_fast } }\ntasks: { talk: { local: small } }\n`,
    )
    chmodSync(join(box.folder, 'spillway.yaml'), 0o644)
    const report = await doctor(['--fix'])
    expect(report.fixed.find(({ name }) => name === 'policy')?.did).toContain('still stands in it')
    expect(statSync(join(box.folder, 'spillway.yaml')).mode & 0o777).toBe(0o600)
  })
})

describe('doctor --network', () => {
  it('says whether a provider takes the key, without sending any text', async () => {
    const cloud = await startScriptedCloud(json({ data: [] }), json({ error: {} }, { status: 401 }))
    try {
      const env = {
        OPENAI_API_KEY: 'simulated',
        OPENAI_BASE_URL: cloud.openAiBaseUrl,
        HF_ENDPOINT: 'http://127.0.0.1:9',
      }
      expect(states(await doctor(['--network'], env))).toMatchObject({ 'call luna': 'ok', hub: 'warn' })
      expect(states(await doctor(['--network'], env))).toMatchObject({ 'call luna': 'fail' })
      expect(cloud.requests.map(({ method, path, text }) => [method, path, text])).toEqual([
        ['GET', '/v1/models', ''],
        ['GET', '/v1/models', ''],
      ])
    } finally {
      await cloud.close()
    }
  })
})
