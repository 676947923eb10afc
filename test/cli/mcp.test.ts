import { spawn, spawnSync } from 'node:child_process'
import { readFileSync, writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { Client } from '@modelcontextprotocol/sdk/client/index.js'
import { StdioClientTransport } from '@modelcontextprotocol/sdk/client/stdio.js'
import { CreateMessageRequestSchema } from '@modelcontextprotocol/sdk/types.js'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { openAiText } from '../support/cloud-answers.ts'
import { type ScriptedCloud, startScriptedCloud } from '../support/scripted-cloud.ts'
import { type Sandbox, sandbox } from './spillway.ts'

const MAIN = resolve(import.meta.dirname, '../../src/cli/main.ts')
const TOOL_SERVER = resolve(import.meta.dirname, '../support/mcp-tool-server.ts')

let cli: Sandbox
let cloud: ScriptedCloud
const clients: Client[] = []

beforeAll(async () => {
  cli = sandbox()
  cloud = await startScriptedCloud()
  writePolicy('on.yaml', 'true')
  writePolicy('off.yaml', 'false')
})
afterAll(async () => {
  for (const client of clients) await client.close()
  await cli.close()
  await cloud.close()
})

/** The real local model, a scripted cloud, and behind it the model of whoever runs the server. */
function writePolicy(file: string, enabled: string): void {
  writeFileSync(
    join(cli.folder, file),
    `models:
  small: { provider: embedded, model: smollm2-135m-instruct, tier: local_fast, maxOutputTokens: 24, contextTokens: 1024 }
  big: { provider: openai, model: gpt-4.1-nano, tier: frontier, baseUrl: "${cloud.openAiBaseUrl}", apiKey: "\${env:KEY}" }
  client: { provider: mcp-client, model: best, tier: frontier }
tasks:
  chat:
    kind: text
    complexity: simple
    stage: accept
    accept: { uncalibrated: true }
    gates: { entropyNats: null }
  kind_of_failure:
    kind: choice
    labels: [build, test]
    stage: accept
    minConfidence: 0.01
    accept: { uncalibrated: true }
defaults: { task: chat }
deadlines: { local_fast: { total: 5m } }
mcp: { sampling: { enabled: ${enabled}, maxOutputTokens: 16 } }
`,
  )
}

interface Started {
  readonly args: readonly string[]
  readonly command?: string
  readonly env?: NodeJS.ProcessEnv
  readonly samples?: boolean
}

async function connect({ args, command = process.execPath, env = {}, samples = false }: Started): Promise<Client> {
  const given = Object.entries({ ...cli.env, ...env }).filter((one): one is [string, string] => one[1] !== undefined)
  const client = new Client({ name: 'test', version: '0' }, { capabilities: samples ? { sampling: {} } : {} })
  if (samples)
    client.setRequestHandler(CreateMessageRequestSchema, () => ({
      role: 'assistant',
      model: 'host-model-1',
      content: { type: 'text', text: 'From the host.' },
    }))
  clients.push(client)
  const transport = new StdioClientTransport({
    ...{ command, args: [...args], cwd: cli.folder, env: Object.fromEntries(given), stderr: 'pipe' },
  })
  await client.connect(transport)
  await client.listTools()
  return client
}

const SERVE = [MAIN, 'mcp', '--policy', 'on.yaml'] as const

describe('spillway mcp', () => {
  it('answers from the real local model, decides, explains and counts, over real standard streams', async () => {
    const client = await connect({ args: SERVE })
    const answer = await client.callTool({ name: 'ask_local', arguments: { prompt: 'Say hello to a friend.' } })
    expect(answer).not.toHaveProperty('isError')
    expect(answer.structuredContent).toMatchObject({ route: 'local', model: 'small', tier: 'local_fast', costUsd: 0 })
    const decided = await client.callTool({
      name: 'decide',
      arguments: { task: 'kind_of_failure', input: 'error TS2304: cannot find name foo' },
    })
    const { value, options, requestId } = decided.structuredContent as {
      readonly value: string
      readonly options: readonly { readonly value: string; readonly probability: number }[]
      readonly requestId: string
    }
    expect(options.map((option) => option.value).sort()).toEqual(['build', 'test'])
    expect(value).toBe(options[0]?.value)
    const explained = await client.callTool({ name: 'explain_route', arguments: { requestId } })
    expect(explained.structuredContent).toMatchObject({ requestId, route: 'local', reason: 'local_accepted' })
    expect(JSON.stringify(explained.content)).toContain('A local model answered and its gates accepted.')
    const figures = await client.callTool({ name: 'stats', arguments: {} })
    expect(figures.structuredContent).toMatchObject({ all: { requests: 2, escalation: { count: 0 } } })
    expect(cloud.requests).toHaveLength(0)
  })

  it('asks the configured frontier first, and the model of its client where no key is set', async () => {
    cloud.enqueue(openAiText('From the cloud.'))
    const keyed = await connect({ args: SERVE, env: { KEY: 'k' }, samples: true })
    const ask = { name: 'ask_advisor', arguments: { prompt: 'What now?' } }
    expect((await keyed.callTool(ask)).structuredContent).toMatchObject({ answer: 'From the cloud.', model: 'big' })
    const unkeyed = await connect({ args: SERVE, samples: true })
    const { structuredContent } = await unkeyed.callTool(ask)
    expect(structuredContent).toMatchObject({ answer: 'From the host.', model: 'client', costUsd: null })
    const { requestId } = structuredContent as { readonly requestId: string }
    const ledger = await cli.run(['audit', 'show', requestId, '--json'])
    expect(JSON.parse(ledger.stdout)).toMatchObject({ egress: [{ model: 'client', destination: 'mcp-client' }] })
  })

  it('writes nothing but the protocol to standard output, and ends when its client goes', async () => {
    const hello = { protocolVersion: '2025-06-18', capabilities: {}, clientInfo: { name: 't', version: '0' } }
    const child = cli.start(SERVE.slice(1))
    let stdout = ''
    child.stdout?.setEncoding('utf8').on('data', (text: string) => {
      stdout += text
    })
    const ended = new Promise<number | null>((done) => child.once('close', done))
    child.stdin?.write(`${JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'initialize', params: hello })}\nnot json\n`)
    child.stdin?.write(`${JSON.stringify({ jsonrpc: '2.0', id: 2, method: 'nobody/knows' })}\n`)
    await expect.poll(() => stdout.split('\n').length).toBe(3)
    child.stdin?.end()
    expect(await ended).toBe(0)
    const lines = stdout.trim().split('\n')
    expect(lines.map((line) => (JSON.parse(line) as { readonly id: number }).id).sort()).toEqual([1, 2])
  })

  it('says how to install the SDK where it is absent', async () => {
    // A package folder without the optional part: its loader finds nothing of that name.
    const hook = join(cli.folder, 'absent.mjs')
    writeFileSync(
      hook,
      `import { registerHooks } from 'node:module'
registerHooks({ resolve(name, context, next) {
  if (!name.startsWith('@modelcontextprotocol/')) return next(name, context)
  throw Object.assign(new Error('Cannot find package'), { code: 'ERR_MODULE_NOT_FOUND' })
} })
`,
    )
    const { exitCode, stdout, stderr } = await cli.run(['mcp', '--policy', 'on.yaml', '--json'], {
      env: { NODE_OPTIONS: `--import=${hook}` },
    })
    expect(exitCode).toBe(1)
    expect(stdout).toBe('')
    expect(JSON.parse(stderr.trim().split('\n').at(-1) ?? '')).toMatchObject({
      error: {
        code: 'peer_missing',
        fix: expect.stringMatching(
          /^Run `npm install @modelcontextprotocol\/sdk@1\.\d+\.\d+` where Spillway is installed\.$/,
        ),
      },
    })
  })
})

describe('the guide', () => {
  it('has files for agents whose commands are what this program takes', async () => {
    const guide = readFileSync(resolve(import.meta.dirname, '../../docs/guides/mcp.md'), 'utf8')
    const blocks = [...guide.matchAll(/```json\n([\s\S]*?)```/g)].map((match) => JSON.parse(match[1] ?? ''))
    expect(blocks).toHaveLength(2)
    for (const { mcpServers } of blocks as readonly { mcpServers: Record<string, { args: readonly string[] }> }[])
      for (const { args } of Object.values(mcpServers)) {
        // The policy of the guide is not there; all that stands around it was understood.
        const { exitCode, stderr } = await cli.run(args.slice(1))
        expect(exitCode).toBe(2)
        expect(stderr).toContain('No policy file at /srv/agent/spillway.yaml.')
      }
  })
})

const PROXY = [MAIN, 'mcp', 'proxy', '--policy', 'on.yaml', '--name', 'asks'] as const
const BEHIND = ['--', process.execPath, TOOL_SERVER] as const
const ASK = {
  name: 'ask_back',
  arguments: {
    messages: [{ role: 'user', content: { type: 'text', text: 'Say hello.' } }],
    systemPrompt: 'Red \u001b[31m words',
    maxTokens: 400,
  },
}

/** What the tool saw and got. */
async function askBack(client: Client) {
  const { content } = (await client.callTool(ASK)) as { readonly content: readonly { readonly text: string }[] }
  return JSON.parse(content[0]?.text ?? '') as {
    readonly result?: { readonly model: string }
    readonly code?: number
    readonly data?: unknown
    readonly capabilities: unknown
    readonly variables: readonly string[]
  }
}

describe('spillway mcp proxy', () => {
  it('passes tools on, and refuses what they ask of a model where no terminal is', async () => {
    // A session of its own has no terminal.
    const client = await connect({
      command: 'setsid',
      args: ['--wait', process.execPath, ...PROXY, '--env', 'GIVEN', ...BEHIND],
      env: { GIVEN: '1', NOT_GIVEN: '2', OPENAI_API_KEY: 'secret' },
    })
    expect((await client.listTools()).tools.map(({ name }) => name)).toEqual(['ask_back'])
    const seen = await askBack(client)
    expect(seen).toMatchObject({ code: -1, data: { code: 'not_approved' }, capabilities: { sampling: {} } })
    expect(seen.variables).toContain('GIVEN')
    expect(seen.variables).not.toContain('NOT_GIVEN')
    expect(seen.variables).not.toContain('OPENAI_API_KEY')
  })

  it.skipIf(spawnSync('script', ['--version']).status !== 0)(
    'asks the person at the terminal, shows the text without its control characters, and answers after a yes',
    async () => {
      const driver = join(cli.folder, 'driver.ts')
      writeFileSync(driver, driverCode([...PROXY, ...BEHIND]))
      const command = `${process.execPath} ${driver}`
      const child = spawn('script', ['-qec', command, '/dev/null'], { cwd: cli.folder, env: cli.env })
      let terminal = ''
      child.stdout.setEncoding('utf8').on('data', (text: string) => {
        terminal += text
      })
      const ended = new Promise((done) => child.once('close', done))
      await expect.poll(() => terminal).toContain('[y/N]')
      expect(terminal).toContain('The tool server asks asks your models for up to 16 tokens:')
      expect(terminal).toContain('Red \ufffd[31m words')
      expect(terminal).not.toContain('\u001b[31m')
      child.stdin.write('y\n')
      await ended
      expect(terminal).toMatch(/TOOL SAW .*"model":"small"/)
      const { stdout } = await cli.run(['audit', 'tail', '--limit', '1', '--json'])
      expect(JSON.parse(stdout)).toMatchObject({
        user: 'mcp:asks',
        task: 'chat',
        features: { partition: 'local_only' },
      })
    },
  )

  it('does not start while the policy answers no sampling, or without a command or variable that it names', async () => {
    const off = await cli.run(['mcp', 'proxy', '--policy', 'off.yaml', ...BEHIND])
    expect(off.exitCode).toBe(2)
    expect(off.stderr).toContain('Set mcp.sampling.enabled: true there')
    const absent = await cli.run(['mcp', 'proxy', '--policy', 'on.yaml', '--env', 'NOT_THERE', ...BEHIND])
    expect(absent.exitCode).toBe(2)
    expect(absent.stderr).toContain('--env NOT_THERE is not set')
    const none = await cli.run(['mcp', 'proxy', '--policy', 'on.yaml'])
    expect(none.exitCode).toBe(2)
    const wrong = await cli.run(['mcp', 'proxy', '--policy', 'on.yaml', '--', join(cli.folder, 'no-such-program')])
    expect(wrong.exitCode).toBe(2)
    expect(wrong.stderr).toContain('no-such-program')
    expect(`${off.stdout}${absent.stdout}${none.stdout}${wrong.stdout}`).toBe('')
  })
})

/** A client inside of the terminal, as an agent is: its own streams are its own. */
function driverCode(args: readonly string[]): string {
  const from = (module: string): string => JSON.stringify(import.meta.resolve(`@modelcontextprotocol/sdk/${module}`))
  return `import { Client } from ${from('client/index.js')}
import { StdioClientTransport } from ${from('client/stdio.js')}
const client = new Client({ name: 'driver', version: '0' }, { capabilities: {} })
const env = { ...process.env }
await client.connect(new StdioClientTransport({ command: process.execPath, args: ${JSON.stringify(args)}, env }))
const { content } = await client.callTool(${JSON.stringify(ASK)})
console.log('TOOL SAW', content[0].text)
await client.close()
`
}
