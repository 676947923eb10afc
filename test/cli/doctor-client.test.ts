import { once } from 'node:events'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { type ClientFindings, clientFindings } from '../../src/cli/doctor-client.ts'
import { CLIENTS } from '../../src/cli/launch/child.ts'

let root: string
let server: Server
let url: string
beforeEach(async () => {
  root = mkdtempSync(join(tmpdir(), 'spillway-doctor-client-'))
  server = createServer((request, response) => {
    response.statusCode = request.headers.authorization === 'Bearer right-key-of-ours' ? 200 : 401
    response.end('{}')
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
})
afterEach(() => {
  server.close()
  rmSync(root, { recursive: true, force: true })
})

function write(path: string, text: string): string {
  const file = join(root, path)
  mkdirSync(dirname(file), { recursive: true })
  writeFileSync(file, text)
  return file
}

function look(
  name: keyof typeof CLIENTS,
  env: Readonly<Record<string, string>> = {},
  serverUrl: string | null = url,
): Promise<ClientFindings> {
  const place = { env, home: join(root, 'home'), cwd: join(root, 'work'), platform: 'linux', ownFolder: root } as const
  return clientFindings({ client: CLIENTS[name], place, serverUrl })
}

const reach = ({ checks }: ClientFindings) => checks.find(({ name }) => name === 'reaches us')

describe('doctor client claude', () => {
  it('names the file and the line that beat the environment', async () => {
    const file = write(
      'home/.claude/settings.json',
      '{\n  "env": {\n    "ANTHROPIC_BASE_URL": "https://elsewhere.test"\n  }\n}\n',
    )
    const found = await look('claude', { ANTHROPIC_BASE_URL: url })
    expect(found).toMatchObject({
      reaches: false,
      winner: { where: `${file}:3`, key: 'env.ANTHROPIC_BASE_URL', value: 'https://elsewhere.test' },
      overridden: [{ where: 'the environment', key: 'ANTHROPIC_BASE_URL', value: url }],
    })
    expect(reach(found)?.fix).toBe(
      `Start it with \`spillway launch claude\`, or set env.ANTHROPIC_BASE_URL in ${file}:3 to ${url}.`,
    )
  })

  it('prefers the file of the project to that of the user, and a local one to both', async () => {
    const text = (host: string): string => `{ "env": { "ANTHROPIC_BASE_URL": "https://${host}.test" } }`
    write('home/.claude/settings.json', text('user'))
    write('work/.claude/settings.json', text('project'))
    const local = write('work/.claude/settings.local.json', text('local'))
    const found = await look('claude')
    expect(found.winner).toMatchObject({ where: `${local}:1`, value: 'https://local.test' })
    expect(found.overridden.map(({ value }) => value)).toEqual(['https://project.test', 'https://user.test'])
  })

  it('sees that a switch to another provider beats every address', async () => {
    const found = await look('claude', { ANTHROPIC_BASE_URL: url, CLAUDE_CODE_USE_BEDROCK: '1' })
    expect(found.winner?.key).toBe('CLAUDE_CODE_USE_BEDROCK')
    expect(found.reaches).toBe(false)
  })

  it('tries the key, and never shows it', async () => {
    const right = await look('claude', { ANTHROPIC_BASE_URL: url, ANTHROPIC_AUTH_TOKEN: 'right-key-of-ours' })
    expect(right.reaches).toBe(true)
    expect(JSON.stringify(right)).not.toContain('right-key-of-ours')
    const wrong = await look('claude', { ANTHROPIC_BASE_URL: url, ANTHROPIC_AUTH_TOKEN: 'sk-of-somebody-else' })
    expect(reach(wrong)?.why).toContain('refuses the key of ANTHROPIC_AUTH_TOKEN (HTTP 401)')
  })

  it('knows a base URL with one /v1 too many', async () => {
    const found = await look('claude', { ANTHROPIC_BASE_URL: `${url.replace('127.0.0.1', 'localhost')}/v1` })
    expect(reach(found)).toMatchObject({ state: 'fail', fix: `Set ANTHROPIC_BASE_URL to ${url}.` })
  })

  it('says what to do where nothing is set, and where no gateway runs', async () => {
    expect(reach(await look('claude'))).toMatchObject({
      why: 'No: it asks https://api.anthropic.com.',
      fix: 'Start it with `spillway launch claude`.',
    })
    expect(reach(await look('claude', { ANTHROPIC_BASE_URL: url }, null))?.why).toBe('No gateway runs here.')
  })

  it('reads settings with comments, tabs and trailing commas, and outlives broken ones', async () => {
    const file = write(
      'home/.claude/settings.json',
      '{\n\t// mine\n\t"env": { /* here */\n\t\t"ANTHROPIC_BASE_URL": "https://a.test",\n\t},\n}',
    )
    expect((await look('claude')).winner).toMatchObject({ where: `${file}:4`, value: 'https://a.test' })
    for (const broken of ['', '[1]', '{"env": 3}', '{{{', '\u0000', '"env"']) {
      writeFileSync(file, broken)
      expect((await look('claude')).winner).toBeNull()
    }
  })
})

describe('doctor client for the others', () => {
  it('follows model_provider of Codex to its table', async () => {
    const config = (base: string): string =>
      `model_provider = "mine"\n\n[model_providers.mine]\nbase_url = "${base}"\nenv_key = "MY_KEY"\n`
    const file = write('home/.codex/config.toml', config(`${url}/v1`))
    const found = await look('codex', { MY_KEY: 'right-key-of-ours', OPENAI_BASE_URL: 'https://x.test' })
    expect(found).toMatchObject({ reaches: true, winner: { where: `${file}:4`, key: 'model_providers.mine.base_url' } })
    writeFileSync(file, config(url))
    expect(reach(await look('codex'))?.fix).toContain(`to ${url}/v1.`)
    writeFileSync(file, 'model_provider = "oss"\n')
    expect((await look('codex')).winner).toMatchObject({ key: 'model_provider', value: 'oss' })
  })

  it('lets .env win over the environment, and AIDER_ variables over files of aider', async () => {
    const dotenv = write('work/.env', 'export OPENAI_API_BASE="https://env-file.test/v1"\n')
    const env = { OPENAI_API_BASE: 'https://shell.test/v1' }
    expect((await look('aider', env)).winner).toMatchObject({ where: `${dotenv}:1`, value: 'https://env-file.test/v1' })
    const conf = write('home/.aider.conf.yml', '# x\nopenai-api-base: https://conf.test/v1\n')
    expect((await look('aider', env)).winner?.where).toBe(`${conf}:2`)
    const over = { ...env, AIDER_OPENAI_API_BASE: `${url}/v1`, AIDER_OPENAI_API_KEY: 'right-key-of-ours' }
    expect(await look('aider', over)).toMatchObject({ reaches: true, winner: { where: 'the environment' } })
  })

  it('follows the model of opencode to its provider', async () => {
    const text = `{ "model": "mine/x", "provider": { "mine": { "options": { "baseURL": "${url}/v1" } } } }`
    const file = write('home/.config/opencode/opencode.json', text)
    expect(await look('opencode')).toMatchObject({ reaches: true, winner: { where: `${file}:1` } })
    const content = '{ "model": "anthropic/claude" }'
    expect((await look('opencode', { OPENCODE_CONFIG_CONTENT: content })).winner).toMatchObject({
      where: 'the environment',
      value: 'anthropic/claude',
    })
  })

  it('reads the first model of Continue', async () => {
    const file = write(
      'home/.continue/config.yaml',
      `name: a\nmodels:\n  - name: s\n    provider: openai\n    apiBase: ${url}/v1\n    apiKey: right-key-of-ours\n`,
    )
    expect(await look('continue')).toMatchObject({ reaches: true, winner: { where: `${file}:3` } })
  })
})
