/** The example daemon as a process: it asks, waits for approval, obeys the kill switch and writes rows of use. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { appendFileSync, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { pathToFileURL } from 'node:url'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type Sandbox, sandbox } from '../cli/spillway.ts'
import { type ScriptedCloud, startScriptedCloud } from '../support/scripted-cloud.ts'

const DAEMON = resolve(import.meta.dirname, '../../examples/daemon/daemon.mjs')
const INDEX = pathToFileURL(resolve(import.meta.dirname, '../../src/index.ts'))
/** The daemon imports the package; here it gets the sources, so that nothing has to be built. */
const SOURCES = `data:text/javascript,import{registerHooks}from"node:module";registerHooks({resolve:(name,context,next)=>next(name==="spillway"?"${INDEX}":name,context)})`

let box: Sandbox
let cloud: ScriptedCloud
beforeAll(async () => {
  box = sandbox()
  cloud = await startScriptedCloud()
  cloud.otherwise((request) => {
    const answer = request.text.includes('removed') ? 'yes' : 'bug'
    const choice = { index: 0, finish_reason: 'stop', message: { role: 'assistant', content: answer } }
    const usage = { prompt_tokens: 1000, completion_tokens: 125, total_tokens: 1125 }
    const body = { id: 'c', object: 'chat.completion', created: 0, model: 'm', choices: [choice], usage }
    return { headers: { 'content-type': 'application/json' }, pieces: [JSON.stringify(body)] }
  })
  writeFileSync(
    join(box.folder, 'policy.yaml'),
    `
models:
  cloud:
    { provider: openai, model: m, tier: frontier, baseUrl: "${cloud.openAiBaseUrl}", apiKey: "\${env:CLOUD_KEY}", priceUsdPerMillion: { input: 2, output: 8 } }
tasks:
  triage: { kind: choice, labels: [bug, question], local: false, frontier: cloud }
  remove_file: { kind: boolean, irreversible: true, local: false, frontier: cloud }
`,
  )
  mkdirSync(join(box.folder, 'work'))
  writeFileSync(join(box.folder, 'work', 'old.tmp'), '')
})
afterAll(async () => {
  await cloud.close()
  await box.close()
})

/** One round. @returns what it printed */
async function round(): Promise<string> {
  const args = ['--import', SOURCES, DAEMON, box.folder, '--once', '--policy', join(box.folder, 'policy.yaml')]
  const env = { ...box.env, CLOUD_KEY: 'simulated' }
  const child = spawn(process.execPath, args, { env, stdio: ['ignore', 'pipe', 'inherit'] })
  let text = ''
  child.stdout.setEncoding('utf8').on('data', (piece: string) => {
    text += piece
  })
  const [exitCode] = await once(child, 'close')
  expect(exitCode).toBe(0)
  return text
}

function put(item: object): void {
  appendFileSync(join(box.folder, 'inbox.jsonl'), `${JSON.stringify(item)}\n`)
}

function lines(name: string): readonly Readonly<Record<string, unknown>>[] {
  const file = join(box.folder, name)
  const text = existsSync(file) ? readFileSync(file, 'utf8') : ''
  return text.split('\n').flatMap((line) => (line === '' ? [] : [JSON.parse(line)]))
}

describe('the example daemon', () => {
  it('acts on an answer once, and writes a row of use', async () => {
    put({ id: 'a', action: 'triage', prompt: 'It crashes.' })
    put({ id: 'b', action: 'dance', prompt: 'Please.' })
    expect(await round()).toBe('a triage: done by cloud (policy_requires_frontier)\nb dance: unknown action\n')
    expect(await round()).toBe('')
    expect(lines('triaged.jsonl')).toEqual([{ id: 'a', label: 'bug' }])
    expect(lines('usage.jsonl')).toEqual([
      {
        ...{ ts: expect.stringMatching(/Z$/), action: 'triage', tier: 'frontier', model: 'cloud', cost: 0.003 },
        ...{ latencyMs: expect.any(Number), quality: null, route: 'frontier', reason: 'policy_requires_frontier' },
      },
    ])
    expect(cloud.requests).toHaveLength(1)
  })

  it('asks a person before an action that cannot be undone, and nobody else until then', async () => {
    put({ id: 'c', action: 'remove_file', prompt: 'May old.tmp be removed?', file: '../work/old.tmp' })
    expect(await round()).toBe('c remove_file: waits for approval\n')
    expect(await round()).toBe('c remove_file: waits for approval\n')
    expect(lines('waiting.jsonl')).toEqual([{ id: 'c', action: 'remove_file', prompt: 'May old.tmp be removed?' }])
    expect(cloud.requests).toHaveLength(1)
    expect(existsSync(join(box.folder, 'work', 'old.tmp'))).toBe(true)
    writeFileSync(join(box.folder, 'approved.jsonl'), '{"id":"c"}\n')
    expect(await round()).toBe('c remove_file: done by cloud (policy_requires_frontier)\n')
    expect(existsSync(join(box.folder, 'work', 'old.tmp'))).toBe(false)
  })

  it('stands still under the kill switch, and goes on when it is lifted', async () => {
    put({ id: 'd', action: 'triage', prompt: 'It hangs.' })
    put({ id: 'e', action: 'triage', prompt: 'It is slow.' })
    expect((await box.run(['kill', 'stop', '--reason', 'drill'])).exitCode).toBe(0)
    const before = cloud.requests.length
    expect(await round()).toBe('d triage: stopped by the kill switch\n')
    expect(cloud.requests).toHaveLength(before)
    expect(lines('usage.jsonl').at(-1)).toMatchObject({ tier: null, cost: 0, route: 'held', reason: 'kill_switch' })
    expect((await box.run(['kill', 'off'])).exitCode).toBe(0)
    expect(await round()).toMatch(/^d triage: done .*\ne triage: done .*\n$/)
  })
})
