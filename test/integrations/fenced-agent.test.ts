/** The example of an agent that reaches models only through the gateway: what gets out of the fence, and what does not. */
import { spawnSync } from 'node:child_process'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type Sandbox, sandbox } from '../cli/spillway.ts'
import { exampleFile, jsonLines, runExample } from '../support/examples.ts'
import { json, type ScriptedCloud, startScriptedCloud } from '../support/scripted-cloud.ts'
import { type ServeProcess, serveProcess } from '../support/serve-process.ts'

const split = ['--user', '--map-root-user', '--net', 'ip', 'link', 'set', 'lo', 'up']
const CAN_SPLIT = process.platform === 'linux' && spawnSync('unshare', split).status === 0

let box: Sandbox
let elsewhere: ScriptedCloud
let server: ServeProcess
beforeAll(async () => {
  box = sandbox()
  elsewhere = await startScriptedCloud()
  elsewhere.otherwise(json({ ok: true }))
  server = await serveProcess(box, { policy: '{}' })
})
afterAll(async () => {
  await server.stop()
  await elsewhere.close()
  await box.close()
})

const agent = () => [exampleFile('fenced-agent/agent.mjs'), '--try', elsewhere.url] as const
const env = () => ({ SPILLWAY_URL: server.url, SPILLWAY_KEY: server.key })
const through = (fence: string, command: readonly string[]) =>
  runExample(box, ['fenced-agent/fence.mjs', '--fence', fence, '--', ...command], { env: env() })

describe('an agent in a fence', () => {
  it('would reach another address without one', async () => {
    const open = { OPENAI_BASE_URL: `${server.url}/v1`, OPENAI_API_KEY: server.key }
    const { stdout } = await runExample(box, ['fenced-agent/agent.mjs', '--try', elsewhere.url], { env: open })
    expect(jsonLines(stdout).map(({ result }) => result)).toEqual(['60 (solver)', 'reached: 200'])
    expect(elsewhere.requests).toHaveLength(1)
  })

  it.for([
    ['namespace', 'failed: ECONNREFUSED'],
    ['hook', 'failed: EFENCED'],
  ] as const)('asks the gateway and gets nowhere else (%s)', async ([fence, failure], { skip }) => {
    skip(fence === 'namespace' && !CAN_SPLIT, 'no network of its own can be made here')
    const before = elsewhere.connections()
    const { stdout, stderr, exitCode } = await through(fence, [process.execPath, ...agent()])
    expect([stderr, exitCode]).toEqual(['', 0])
    expect(jsonLines(stdout).map(({ result }) => result)).toEqual(['60 (solver)', failure])
    expect(elsewhere.connections()).toBe(before)
  })

  it.for(['namespace', 'hook'])('takes along what it starts (%s)', async (fence, { skip }) => {
    skip(fence === 'namespace' && !CAN_SPLIT, 'no network of its own can be made here')
    const grandchild = `require('node:child_process').spawnSync(process.execPath, ${JSON.stringify(agent())}, { stdio: 'inherit' })`
    const before = elsewhere.connections()
    const { stdout } = await through(fence, [process.execPath, '-e', grandchild])
    expect(jsonLines(stdout).map(({ result }) => result)).toEqual(['60 (solver)', expect.stringMatching(/^failed: E/)])
    expect(elsewhere.connections()).toBe(before)
  })

  it('has in a network of its own no address but the gateway, for programs of any language', async ({ skip }) => {
    skip(!CAN_SPLIT, 'no network of its own can be made here')
    const { stdout } = await through('namespace', [
      'sh',
      '-c',
      'tail -n +3 /proc/net/dev | cut -d: -f1; tail -n +2 /proc/net/route | wc -l',
    ])
    expect(stdout.split('\n').map((line) => line.trim())).toEqual(['lo', '0', ''])
  })

  it('gives the command its own exit code back, and says how it is used', async () => {
    expect((await through('hook', [process.execPath, '-e', 'process.exit(7)'])).exitCode).toBe(7)
    const wrong = await runExample(box, ['fenced-agent/fence.mjs', '--fence', 'wall', '--', 'true'], { env: env() })
    expect([wrong.exitCode, wrong.stderr]).toEqual([2, expect.stringContaining('usage: ')])
  })
})
