import { once } from 'node:events'
import { existsSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { delimiter, join } from 'node:path'
import { createInterface } from 'node:readline'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { openAiText } from '../support/cloud-answers.ts'
import { fakeClients } from '../support/fake-clients.ts'
import { type ScriptedCloud, startScriptedCloud } from '../support/scripted-cloud.ts'
import { cloudPolicy, serveProcess } from '../support/serve-process.ts'
import { type Finished, type Sandbox, sandbox } from './spillway.ts'

let box: Sandbox
let cloud: ScriptedCloud
let env: NodeJS.ProcessEnv
let home: string

beforeAll(async () => {
  box = sandbox()
  cloud = await startScriptedCloud()
  cloud.otherwise(openAiText('from the cloud'))
  writeFileSync(join(box.folder, 'spillway.yaml'), cloudPolicy(cloud.openAiBaseUrl))
  home = join(box.folder, 'home')
  mkdirSync(home)
  const path = [fakeClients(join(box.folder, 'bin')), process.env.PATH ?? ''].join(delimiter)
  env = { CLOUD_KEY: 'provider', PATH: path, HOME: home, SPILLWAY_LAUNCHED: '', ...NO_PROVIDERS }
})
afterAll(async () => {
  await cloud.close()
  await box.close()
})

/** What the machine that runs the tests may have set. */
const NO_PROVIDERS = Object.fromEntries(
  [
    'OPENAI_BASE_URL',
    'OPENAI_API_BASE',
    'ANTHROPIC_BASE_URL',
    'ANTHROPIC_AUTH_TOKEN',
    'CLAUDE_CONFIG_DIR',
    'CODEX_HOME',
  ].map((name) => [name, undefined]),
)

function launch(args: readonly string[], more: NodeJS.ProcessEnv = {}): Promise<Finished> {
  return box.run(['launch', ...args], { env: { ...env, ...more } })
}

function stateDir(): string {
  return join(box.env.XDG_STATE_HOME ?? '', 'spillway')
}

/** Runs a client to its end and reads the one line it says. */
async function said(args: readonly string[], more: NodeJS.ProcessEnv = {}): Promise<unknown> {
  const { exitCode, stdout, stderr } = await launch(args, more)
  expect({ exitCode, stderr: exitCode === 0 ? '' : stderr }).toEqual({ exitCode: 0, stderr: '' })
  return JSON.parse(stdout)
}

describe('a launched client', () => {
  it('asks the gateway that launch runs for it, with a key that ends with it', async () => {
    const { exitCode, stdout, stderr } = await launch(['claude', '-p', 'hello there'], {
      ANTHROPIC_API_KEY: 'sk-ant-other',
      CLAUDE_CODE_USE_BEDROCK: '1',
    })
    expect(JSON.parse(stdout)).toEqual({ text: 'from the cloud', words: ['-p', 'hello there'], cleared: true })
    expect(exitCode).toBe(0)
    expect(stderr).toContain('without ANTHROPIC_API_KEY, CLAUDE_CODE_USE_BEDROCK')
    expect(JSON.parse((await box.run(['keys', 'list', '--json'])).stdout)).toEqual([])
    expect(existsSync(join(stateDir(), 'server.json'))).toBe(false)
    expect(readFileSync(join(stateDir(), 'gateway.log'), 'utf8')).toContain('"path":"/v1/messages"')
  })

  it('is brought here although its own settings file says something else', async () => {
    const file = join(home, '.claude', 'settings.json')
    mkdirSync(join(home, '.claude'))
    writeFileSync(file, '{ "env": { "ANTHROPIC_BASE_URL": "https://elsewhere.test", "CLAUDE_CODE_USE_BEDROCK": "1" } }')
    expect(await said(['claude', 'hi'])).toMatchObject({ text: 'from the cloud', words: ['hi'] })
    expect(readFileSync(file, 'utf8')).toContain('elsewhere.test')
    // What it was pointed at held a key, and went with it.
    expect(readdirSync(join(stateDir(), 'clients'))).toEqual([])
  })

  it.each([
    ['codex', ['codex', 'exec', 'why?'], { text: 'from the cloud', words: ['exec', 'why?'] }],
    ['aider', ['aider', '--message', 'why?'], { text: 'from the cloud' }],
    ['opencode', ['opencode', 'why?'], { text: 'from the cloud', theme: 'dark' }],
    ['continue', ['continue', '-p', 'why?'], { text: 'from the cloud' }],
    ['any program that uses the SDKs', ['any'], { openai: 'from the cloud', anthropic: 'from the cloud' }],
  ])('may be %s', async (_, args, expected) => {
    const mine = { OPENAI_API_KEY: 'sk-mine', OPENCODE_CONFIG_CONTENT: '{"theme":"dark","model":"openai/gpt"}' }
    expect(await said(args, mine)).toEqual(expected)
    expect(cloud.requests.at(-1)?.headers.authorization).toBe('Bearer provider')
  })

  it('asks the gateway that runs already, and leaves it running', async () => {
    const server = await serveProcess(box, { policy: cloudPolicy(cloud.openAiBaseUrl) })
    const { stdout, stderr } = await launch(['claude', 'hi'])
    expect(JSON.parse(stdout)).toMatchObject({ text: 'from the cloud' })
    expect(stderr).toContain(`${server.url} (the gateway that runs)`)
    expect((await fetch(`${server.url}/healthz`)).ok).toBe(true)
    await server.stop()
  })

  it('can be launched from inside of a launched shell, and asks the same gateway', async () => {
    const [program = '', main = ''] = box.start(['--version']).spawnargs
    const { stdout, stderr, exitCode } = await launch([program, main, 'launch', 'claude', 'hi'])
    expect(exitCode).toBe(0)
    expect(JSON.parse(stdout)).toMatchObject({ text: 'from the cloud' })
    expect(stderr).toContain('the gateway that it was launched under')
  })

  it('is refused inside of a launched shell whose gateway is gone', async () => {
    const gone = { SPILLWAY_LAUNCHED: 'sh', SPILLWAY_URL: 'http://127.0.0.1:9', SPILLWAY_KEY: 'spw_x' }
    const { stderr, exitCode } = await launch(['claude'], gone)
    expect(exitCode).toBe(2)
    expect(stderr).toContain('This runs inside of `spillway launch sh`, whose gateway http://127.0.0.1:9 is gone')
  })
})

describe('the end of a launched client', () => {
  it('gives its exit code on', async () => {
    expect((await launch(['waiter', '41'])).exitCode).toBe(41)
  })

  it('comes by the signal that launch gets, and ends the gateway', async () => {
    const child = box.start(['launch', 'waiter'], { ...env })
    const lines = createInterface({ input: child.stdout ?? process.stdin })[Symbol.asyncIterator]()
    const [, url = ''] = String((await lines.next()).value).split(' ')
    expect((await fetch(`${url}/healthz`)).ok).toBe(true)
    child.kill('SIGTERM')
    expect((await lines.next()).value).toBe('told')
    expect(await once(child, 'exit')).toEqual([43, null])
    await expect(fetch(`${url}/healthz`)).rejects.toThrow()
  })
})

describe('launch --print', () => {
  it('shows environment and command with the key masked, and starts nothing', async () => {
    const before = cloud.requests.length
    const { stdout, exitCode } = await launch(['--print', '--json', 'codex'], { OPENAI_API_KEY: 'sk-mine' })
    expect(exitCode).toBe(0)
    const shown = JSON.parse(stdout)
    expect(shown).toMatchObject({
      client: 'codex',
      set: { SPILLWAY_KEY: 'spw_…' },
      unset: ['OPENAI_API_KEY'],
      url: null,
    })
    expect(shown.args).toContain('model_providers.spillway.wire_api="responses"')
    expect(cloud.requests.length).toBe(before)
    expect(JSON.parse((await box.run(['keys', 'list', '--json'])).stdout)).toEqual([])
  })

  it('keeps this machine out of a proxy', async () => {
    const { stdout } = await launch(['--print', 'claude'], { HTTPS_PROXY: 'http://proxy:1', NO_PROXY: 'intern' })
    expect(stdout).toContain('set    NO_PROXY=intern,127.0.0.1,localhost')
  })
})

describe('a client that is not there', () => {
  it('is named with how to install it, or with what was meant', async () => {
    const bare = { PATH: join(box.folder, 'nothing') }
    const codex = await launch(['--json', 'codex'], bare)
    expect(codex.exitCode).toBe(2)
    expect(JSON.parse(codex.stderr)).toEqual({
      error: {
        code: 'usage',
        message: 'Codex is not installed: there is no codex on the PATH.',
        fix: 'Install it with `npm install -g @openai/codex`.',
      },
    })
    expect((await launch(['clade'], bare)).stderr).toContain('Did you mean claude?')
  })
})

describe('launch --write', () => {
  const cases = [
    [
      'claude',
      '.claude/settings.json',
      '{\n    "model": "opus"\n}\n',
      /"ANTHROPIC_BASE_URL": "http:\/\/127\.0\.0\.1:8484"/,
    ],
    [
      'codex',
      '.codex/config.toml',
      'model = "gpt"\n\n[tools]\nx = 1\n',
      /^model = "auto"\nmodel_provider = "spillway"\n[\s\S]*\[tools\]\nx = 1\n\n\[model_providers\.spillway\]/,
    ],
    [
      'aider',
      '.aider.conf.yml',
      '# mine\ndark-mode: true\n',
      /^# mine\ndark-mode: true\nmodel: openai\/auto\nopenai-api-base: http:\/\/127\.0\.0\.1:8484\/v1/,
    ],
    [
      'continue',
      '.continue/config.yaml',
      'name: a\nmodels:\n  - name: other\n    provider: x\n    model: y\n',
      /models:\n {2}- name: Spillway\n[\s\S]*- name: other/,
    ],
  ] as const

  it.each(cases)('changes the file of %s, keeps a backup, and takes it back', async (name, path, before, expected) => {
    const file = join(home, path)
    mkdirSync(join(file, '..'), { recursive: true })
    writeFileSync(file, before, { mode: 0o644 })
    const { stdout, stderr, exitCode } = await launch(['--write', name])
    expect({ exitCode, stderr: exitCode === 0 ? '' : stderr }).toEqual({ exitCode: 0, stderr: '' })
    expect(stdout).not.toMatch(/spw_[\w-]{43}/)
    expect(readFileSync(file, 'utf8')).toMatch(expected)
    expect(statSync(file).mode & 0o777).toBe(0o600)
    expect(readFileSync(`${file}.before-spillway`, 'utf8')).toBe(before)
    expect((await launch(['--write', name])).exitCode).toBe(2)
    expect((await launch(['--undo', name])).exitCode).toBe(0)
    expect(readFileSync(file, 'utf8')).toBe(before)
    expect(existsSync(`${file}.before-spillway`)).toBe(false)
    expect(JSON.parse((await box.run(['keys', 'list', '--json'])).stdout)).toEqual([])
  })

  it('puts nothing back over what somebody changed since', async () => {
    const file = join(home, '.config', 'opencode', 'opencode.json')
    const own = { XDG_CONFIG_HOME: join(home, '.config') }
    expect((await launch(['--write', 'opencode'], own)).exitCode).toBe(0)
    const written = readFileSync(file, 'utf8')
    expect(JSON.parse(written)).toMatchObject({ model: 'spillway/auto' })
    writeFileSync(file, `${written}\n`)
    const { stderr, exitCode } = await launch(['--undo', 'opencode'], own)
    expect(exitCode).toBe(2)
    expect(stderr).toContain('was changed since it was written')
    writeFileSync(file, written)
    expect((await launch(['--undo', 'opencode'], own)).exitCode).toBe(0)
    expect(existsSync(file)).toBe(false)
  })

  it('leaves a file that it would harm', async () => {
    const file = join(home, '.claude', 'settings.json')
    const text = '{ // mine\n  "model": "opus" }\n'
    writeFileSync(file, text)
    const { stderr, exitCode } = await launch(['--write', 'claude'])
    expect(exitCode).toBe(2)
    expect(stderr).toContain('is no plain JSON object')
    expect(readFileSync(file, 'utf8')).toBe(text)
    expect(JSON.parse((await box.run(['keys', 'list', '--json'])).stdout)).toEqual([])
  })
})
