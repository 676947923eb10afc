/** `spillway` alone, as a newcomer runs it: in an empty home, beside a simulated Ollama and a simulated cloud. */
import { once } from 'node:events'
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import type { Readable } from 'node:stream'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { resolvePaths } from '../../src/models/paths.ts'
import { actAsOllama, chatsOf, lastLine, line, lines } from '../support/ollama-answers.ts'
import { json, type ScriptedCloud, startScriptedCloud } from '../support/scripted-cloud.ts'
import { type Sandbox, sandbox } from './spillway.ts'

let box: Sandbox
let ollama: ScriptedCloud
let cloud: ScriptedCloud

beforeEach(async () => {
  box = sandbox({ data: 'fresh' })
  ollama = await startScriptedCloud()
  cloud = await startScriptedCloud()
  const chat = lines([line({ content: 'Welcome, visitor.' }), lastLine()])
  actAsOllama(ollama, [], { '/api/chat': chat })
  cloud.otherwise(CLOUD_ANSWER)
})
afterEach(async () => {
  await box.close()
  await ollama.close()
  await cloud.close()
})

const CLOUD_ANSWER = json({
  id: 'chatcmpl-1',
  object: 'chat.completion',
  model: 'gpt-6-luna',
  choices: [{ index: 0, message: { role: 'assistant', content: 'Good day.' }, finish_reason: 'stop' }],
  usage: { prompt_tokens: 12, completion_tokens: 4, total_tokens: 16 },
})

const MODELS = 'models: { small: { provider: embedded, model: smollm2-135m-instruct, tier: local_fast } }'

interface Started {
  readonly told: Readonly<Record<string, unknown>> & { readonly url: string; readonly keyFile: string }
  stop(): Promise<number | null>
}

async function start(args: readonly string[], env: NodeJS.ProcessEnv): Promise<Started> {
  const child = box.start(['--json', ...args], env)
  const exited = once(child, 'close')
  child.stdin?.end()
  for await (const text of createInterface({ input: child.stdout as Readable })) {
    return {
      told: JSON.parse(text) as Started['told'],
      stop: async () => {
        child.kill('SIGINT')
        return (await exited)[0] as number | null
      },
    }
  }
  throw new Error('it ended without a line')
}

const beside = (): NodeJS.ProcessEnv => ({ OLLAMA_HOST: new URL(ollama.url).host })
const withCloud = (): NodeJS.ProcessEnv => ({
  ...beside(),
  OPENAI_API_KEY: 'simulated',
  OPENAI_BASE_URL: cloud.openAiBaseUrl,
})

describe('spillway alone', () => {
  it('finds, plans, tries both sides, serves, and stops clean', async () => {
    const { told, stop } = await start(['--port', '0'], withCloud())
    expect(told).toMatchObject({
      plan: {
        policyFile: null,
        locals: [{ model: 'qwen3:8b', provider: 'ollama', ready: true }],
        frontiers: [{ model: 'gpt-6-luna', ready: true }],
      },
      tests: { local: { ok: true, costUsd: 0 }, frontier: { ok: true, model: 'luna' } },
      openaiBaseUrl: `${told.url}/v1`,
      anthropicBaseUrl: told.url,
    })
    expect(cloud.requests).toHaveLength(1)
    const answered = await fetch(`${told.url}/v1/chat/completions`, {
      method: 'POST',
      headers: { authorization: `Bearer ${readFileSync(told.keyFile, 'utf8').trim()}` },
      body: JSON.stringify({ model: 'auto', messages: [{ role: 'user', content: 'What is 6 * 7?' }] }),
    })
    expect(await answered.json()).toMatchObject({ choices: [{ message: { content: '42' } }] })
    expect(await stop()).toBe(0)
    const { stateDir, configDir } = resolvePaths(box.env, process.platform)
    expect([readdirSync(box.folder), existsSync(configDir), existsSync(join(stateDir, 'server.json'))]).toEqual([
      [],
      false,
      false,
    ])
  })

  it('answers what needs no model where nothing is there, and says what would help', async () => {
    const child = box.start(['--port', '0'])
    child.stdin?.end()
    const exited = once(child, 'close')
    const seen: string[] = []
    for await (const text of createInterface({ input: child.stdout as Readable })) {
      seen.push(text)
      if (text.includes('Ctrl-C stops')) break
    }
    const asked = await box.run(['ask', '--json', 'What is 12.5% of 480?'])
    child.kill('SIGINT')
    expect((await exited)[0]).toBe(0)
    expect(JSON.parse(asked.stdout)).toMatchObject({ answer: '60', decision: { route: 'solver' } })
    expect(asked.stderr).toContain('Using the server at ')
    const text = seen.join('\n')
    expect(text).toContain('solvers, rules, cache -> no local model yet -> gate -> no frontier yet')
    expect(text).toContain('nothing to try')
    expect(text).toContain('spillway init --install')
  })

  it('asks no model with --no-test', async () => {
    const { told, stop } = await start(['--no-test', '--port', '0'], withCloud())
    expect(told.tests).toEqual({ local: null, frontier: null })
    expect([chatsOf(ollama).length, cloud.requests.length]).toEqual([0, 0])
    await stop()
  })

  it('says what went wrong with a model, and serves all the same', async () => {
    actAsOllama(ollama, [], { '/api/chat': json({ error: 'model requires more system memory' }, { status: 500 }) })
    const { told, stop } = await start(['--port', '0'], beside())
    expect(told.tests).toMatchObject({
      local: { ok: false, problem: expect.stringContaining('small') },
      frontier: null,
    })
    await stop()
  })

  it('takes another port when that of the policy is taken, and fails when the one that was asked for is', async () => {
    const { port } = new URL(cloud.url)
    writeFileSync(
      join(box.folder, 'spillway.yaml'),
      `tasks: { talk: { local: small } }\n${MODELS}\ngateway: { port: ${port} }\n`,
    )
    const { told, stop } = await start(['--no-test'], {})
    expect(told).toMatchObject({ plan: { policyFile: 'spillway.yaml' } })
    expect(new URL(told.url).port).not.toBe(port)
    await stop()
    const refused = await box.run(['--json', '--no-test', '--port', port])
    expect([refused.exitCode, refused.stdout]).toEqual([1, ''])
    expect(refused.stderr).toContain('port_taken')
  })

  it('does not take a key whose address leads back to itself', async () => {
    const first = await start(['--port', '0'], {})
    const again = await start(['--no-test', '--port', '0'], {
      OPENAI_API_KEY: 'its-own',
      OPENAI_BASE_URL: `${first.told.url}/v1`,
    })
    expect(again.told).toMatchObject({
      found: { keys: [], refused: ['openai'], notes: [expect.stringContaining('the address of this Spillway')] },
      plan: { frontiers: [] },
    })
    await again.stop()
    await first.stop()
  })
})

describe('ask without a policy', () => {
  it('names the one command that helps where nothing is there', async () => {
    const { stderr, exitCode } = await box.run(['ask', 'Say hello.'])
    expect([exitCode, stderr]).toEqual([3, expect.stringContaining('fix Run `spillway init --yes`')])
  })

  it('uses the models that are on this machine', async () => {
    const { stdout, exitCode } = await box.run(['ask', '--json', 'Say hello.'], { env: beside() })
    expect(exitCode).toBe(0)
    expect(JSON.parse(stdout)).toMatchObject({
      answer: 'Welcome, visitor.',
      decision: { model: 'small' },
      attempts: [{ servedBy: 'qwen3:8b' }],
    })
  })
})

describe('options before any command', () => {
  it('belong to start, and a wrong one is named', async () => {
    const { stderr, exitCode } = await box.run(['--jsn'])
    expect([exitCode, stderr]).toEqual([2, expect.stringContaining('Did you mean --json?')])
  })

  it('leave help, version and wrong commands as they are', async () => {
    const [help, version, wrong] = await Promise.all([box.run(['--help']), box.run(['--version']), box.run(['strat'])])
    expect(help.stdout).toContain('Without a command: `start`.')
    expect(version.stdout).toMatch(/^\d+\.\d+\.\d+\n$/)
    expect([wrong.exitCode, wrong.stderr]).toEqual([2, expect.stringContaining('Did you mean start?')])
  })
})
