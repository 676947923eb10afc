/** `spillway serve` as a process: the real engine, the real client, a simulated cloud over real HTTP. */
import type { ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, readFileSync, renameSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import OpenAI, { APIError } from 'openai'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { type Sandbox, sandbox } from '../cli/spillway.ts'
import { openAiText } from '../support/cloud-answers.ts'
import { type ScriptedCloud, startScriptedCloud } from '../support/scripted-cloud.ts'

let box: Sandbox
let cloud: ScriptedCloud
const servers: ChildProcess[] = []

beforeEach(async () => {
  box = sandbox()
  cloud = await startScriptedCloud()
  cloud.otherwise(openAiText('simulated answer'))
  writeFileSync(join(box.folder, 'spillway.yaml'), policyText(cloud.openAiBaseUrl))
})

afterEach(async () => {
  for (const server of servers.splice(0)) {
    if (server.exitCode !== null || server.signalCode !== null) continue
    server.kill('SIGTERM')
    await once(server, 'exit')
  }
  await box.close()
  await cloud[Symbol.asyncDispose]()
})

function policyText(baseUrl: string): string {
  return `
models:
  small: { provider: embedded, model: smollm2-135m-instruct, tier: local_fast }
  cloud: { provider: openai, model: simulated, tier: frontier, baseUrl: "${baseUrl}", apiKey: "\${env:CLOUD_KEY}" }
defaults: { task: chat }
gateway: { headersAfter: 60s }
tasks:
  chat: { complexity: simple, local: small, frontier: cloud, stage: accept, accept: { uncalibrated: true }, gates: { entropyNats: 100 } }
  story: { complexity: simple, local: small, frontier: cloud, stage: accept, accept: { uncalibrated: true }, gates: { entropyNats: null } }
  mood: { kind: boolean, description: Is the text cheerful?, local: small, frontier: cloud, stage: accept, accept: { uncalibrated: true }, minConfidence: 0.5 }
  direct: { pattern: direct, local: false, frontier: cloud }
`
}

interface Server {
  readonly process: ChildProcess
  readonly client: OpenAI
}

async function serve(): Promise<Server> {
  const process = box.start(['serve', '--json', '--port', '0'], { CLOUD_KEY: 'simulated' })
  servers.push(process)
  process.stderr?.resume()
  if (!process.stdout) throw new Error('the server has no output')
  for await (const line of createInterface({ input: process.stdout })) {
    const ready = JSON.parse(line) as Record<string, unknown>
    expect(Object.keys(ready).sort()).toEqual(['dashboardUrl', 'keyFile', 'url'])
    expect(ready.dashboardUrl).toBe(`${ready.url}/ui`)
    const apiKey = readFileSync(String(ready.keyFile), 'utf8').trim()
    return { process, client: new OpenAI({ baseURL: `${ready.url}/v1`, apiKey, maxRetries: 0 }) }
  }
  throw new Error('the server ended before it was ready')
}

const say = (content: string) => [{ role: 'user' as const, content }]

async function auditRows(): Promise<readonly Record<string, unknown>[]> {
  const { stdout } = await box.run(['audit', 'tail', '--json', '--limit', '100'])
  return stdout
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as Record<string, unknown>)
}

describe('spillway serve', () => {
  it('answers from the real local model, streamed, and records it', async () => {
    const { client } = await serve()
    const { data: stream, response } = await client.chat.completions
      .create({ model: 'chat', messages: say('Name one colour.'), stream: true, max_tokens: 12 })
      .withResponse()
    let text = ''
    let last: unknown
    for await (const chunk of stream) {
      text += chunk.choices[0]?.delta.content ?? ''
      last = chunk
    }
    // Twelve tokens cut the answer off, so the gate escalates; whoever answered, nothing of the draft leaks.
    const route = response.headers.get('x-spillway-route')
    expect(['local', 'frontier']).toContain(route)
    if (route === 'frontier') expect(text).toBe('simulated answer')
    expect(last).toMatchObject({ spillway: { task: 'chat', proven: false } })
    expect(await auditRows()).toMatchObject([{ route, task: 'chat' }])
  })

  it('reads a typed decision from the model and gives a probability for each option', async () => {
    const { client } = await serve()
    const data = await client.chat.completions.create({
      model: 'mood',
      messages: say('What a wonderful sunny day, I am so happy!'),
    })
    expect(['yes', 'no', 'simulated answer']).toContain(data.choices[0]?.message.content)
    const shown = await box.run([
      'audit',
      'show',
      (data as unknown as { spillway: { requestId: string } }).spillway.requestId,
      '--json',
    ])
    const record = JSON.parse(shown.stdout) as {
      signals: { options: { value: string; probability: number }[] } | null
      localModel: { identity: { digest: string; quantisation: string } }
    }
    expect(record.localModel.identity).toMatchObject({
      digest: expect.stringMatching(/^sha256:/),
      quantisation: 'Q4_1',
    })
    const sum = record.signals?.options.reduce((total, option) => total + option.probability, 0)
    if (record.signals) expect(sum).toBeCloseTo(1, 6)
  })

  it('stays up when the engine host is killed in the middle of an answer, and answers the next request', async () => {
    const { client } = await serve()
    await client.chat.completions.create({ model: 'mood', messages: say('Warm up.') })
    const status = JSON.parse((await box.run(['models', 'ps', '--json'])).stdout) as { host: { pid: number } }
    expect(status.host.pid).toBeGreaterThan(0)
    const answer = client.chat.completions.create({
      model: 'story',
      messages: say('Tell me a very long story about a river.'),
      max_tokens: 400,
    })
    const killed = setInterval(() => tryKill(status.host.pid), 300)
    const data = await answer.finally(() => clearInterval(killed))
    expect(data.choices[0]?.message.content).toBe('simulated answer')
    const next = await client.chat.completions.create({
      model: 'mood',
      messages: say('Rain again, everything is grey and sad.'),
    })
    expect(next).toMatchObject({ spillway: { task: 'mood' } })
    const rows = await auditRows()
    expect(rows).toHaveLength(3)
    expect(rows.map((row) => row.reason)).toContain('local_unavailable')
  })

  it('loses no call that reached an upstream when it is killed, and marks what was open as interrupted [F36]', async () => {
    const { process, client } = await serve()
    cloud.otherwise('hang')
    const calls = [1, 2, 3].map((n) =>
      client.chat.completions
        .create({ model: 'direct', messages: say(`question ${n}`) })
        .catch((error: unknown) => error),
    )
    while (cloud.requests.length < 3) await new Promise((resolve) => setImmediate(resolve))
    process.kill('SIGKILL')
    await Promise.all([once(process, 'exit'), ...calls])
    cloud.otherwise(openAiText('after the crash'))
    const again = await serve()
    await again.client.chat.completions.create({ model: 'direct', messages: say('and now?') })
    const { stdout } = await box.run(['audit', 'export'])
    const records = stdout
      .split('\n')
      .filter((line) => line !== '')
      .map((line) => JSON.parse(line) as { outcome: string; calls: { model: string }[] })
    expect(records.map((record) => record.outcome).sort()).toEqual([
      'accepted',
      'interrupted',
      'interrupted',
      'interrupted',
    ])
    expect(records.flatMap((record) => record.calls)).toHaveLength(cloud.requests.length)
  })

  it('is used by ask when the policy is the same, which says so', async () => {
    await serve()
    const asked = await box.run(['ask', '--json', 'What is 8 * 9?'], { env: { ...box.env, CLOUD_KEY: 'simulated' } })
    expect(asked.stderr).toMatch(/Using the server at http:\/\/127\.0\.0\.1:\d+/)
    expect(JSON.parse(asked.stdout)).toMatchObject({ answer: '72', decision: { route: 'solver' } })
  })

  it('takes a changed policy within seconds, keeps the last good one when it is broken, and says so [F43]', async () => {
    const { client } = await serve()
    const file = join(box.folder, 'spillway.yaml')
    const good = policyText(cloud.openAiBaseUrl)
    const url = new URL(client.baseURL).origin
    const health = async () => (await (await fetch(`${url}/healthz`)).json()) as Record<string, unknown>
    const before = await health()
    expect(before).toMatchObject({ status: 'ok', policyProblem: null })
    writeFileSync(file, `${good}  added: { local: small }\n`)
    await expect.poll(async () => (await health()).policyDigest).not.toBe(before.policyDigest)
    expect((await client.models.list()).data.map(({ id }) => id)).toContain('added')
    writeFileSync(file, 'tasks: { broken: { locl: small } }')
    await expect.poll(async () => (await health()).policyProblem).toMatch(/unknown key locl/)
    expect((await client.models.list()).data.map(({ id }) => id)).toContain('added')
    // Editors write beside a file and rename.
    writeFileSync(`${file}.new`, `${good}audit: { content: "\${env:NOT_SET}" }\n`)
    renameSync(`${file}.new`, file)
    await expect.poll(async () => (await health()).policyProblem).toMatch(/NOT_SET/)
    writeFileSync(file, 'tasks: [unclosed')
    await expect.poll(async () => (await health()).policyProblem).toMatch(/line 1/)
    expect((await client.models.list()).data.map(({ id }) => id)).toContain('added')
    writeFileSync(file, good)
    await expect.poll(health).toMatchObject({ status: 'ok', policyDigest: before.policyDigest, policyProblem: null })
  })

  it('ends with exit code 0 on SIGTERM and takes its record with it', async () => {
    const { process } = await serve()
    const record = join(box.env.XDG_STATE_HOME ?? '', 'spillway', 'server.json')
    expect(existsSync(record)).toBe(true)
    process.kill('SIGTERM')
    const [code] = (await once(process, 'exit')) as [number]
    expect(code).toBe(0)
    expect(existsSync(record)).toBe(false)
  })

  it('refuses a wrong key', async () => {
    const { client } = await serve()
    const stranger = new OpenAI({ baseURL: client.baseURL, apiKey: 'spw_wrong', maxRetries: 0 })
    await expect(stranger.models.list()).rejects.toBeInstanceOf(APIError)
  })
})

/** The host may have ended already; a killed one is replaced under another process id. */
function tryKill(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL')
  } catch {
    return
  }
}
