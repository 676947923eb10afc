/** F46: a policy that others can read holds a key. */
import { chmodSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { exposureOf } from '../../src/cli/policy-exposure.ts'
import { type Sandbox, sandbox } from '../cli/spillway.ts'
import { serveProcess } from '../support/serve-process.ts'

const PASSWORD = 'hunter2-marker-46'
const KEY = `sk-ant-api03-${'abcdefghij'.repeat(4)}-marker46`
const POLICY = `
models:
  cloud: { provider: openai, model: gpt-4.1-nano, tier: frontier, baseUrl: "http://me:${PASSWORD}@127.0.0.1:9/v1", apiKey: "\${env:CLOUD_KEY}" }
tasks: { direct: { pattern: direct, local: false, frontier: cloud, description: "the old key was ${KEY}" } }
`
const MARKERS = /marker-46|marker46|cloud-key-value/

let box: Sandbox
beforeEach(() => {
  box = sandbox()
  writeFileSync(join(box.folder, 'spillway.yaml'), POLICY)
})
afterEach(async () => await box.close())

const env = { CLOUD_KEY: 'cloud-key-value' }
const run = (...args: string[]) => box.run(args, { env })

describe('F46', () => {
  it('policy check and doctor warn of it with the fix, and nobody does once only the owner can read it', async () => {
    const file = join(box.folder, 'spillway.yaml')
    chmodSync(file, 0o644)
    const warning = /holds a secret and other users can read it \(mode 644\)\.[\s\S]*chmod 600/
    const checked = await run('policy', 'check')
    expect(checked.stdout).toMatch(warning)
    expect(checked.exitCode).toBe(0)
    expect((await run('doctor')).stdout).toMatch(warning)
    chmodSync(file, 0o600)
    expect(exposureOf(file)).toBeNull()
  })

  it('serve warns of it, and neither its log nor its pages hold a key', async () => {
    const server = await serveProcess(box, { policy: POLICY, under: 'chmod 644 spillway.yaml', env })
    try {
      expect(server.said()).toMatch(/Warning: .*holds a secret/)
      const headers = { authorization: `Bearer ${server.key}` }
      const pages = ['/healthz', '/readyz', '/v1/models', '/spillway/v1/status', '/config']
      const texts = await Promise.all(
        pages.map(async (page) => await (await fetch(`${server.url}${page}`, { headers })).text()),
      )
      await server.client.chat.completions
        .create({ model: 'auto', messages: [{ role: 'user', content: 'hi' }] })
        .catch((error: unknown) => texts.push(String(error), JSON.stringify(error)))
      expect(texts.join('\n')).not.toMatch(MARKERS)
    } finally {
      await server.stop()
    }
    expect(server.said()).not.toMatch(MARKERS)
  })

  it('no command prints a key, and neither does an error about the policy', async () => {
    const commands = [
      ['policy', 'show'],
      ['doctor', '--json'],
      ['ask', '--json', 'Hello?'],
    ]
    const finished = await Promise.all(commands.map((command) => run(...command)))
    const outputs = finished.map(({ stdout, stderr }) => stdout + stderr)
    expect(outputs.filter((output) => MARKERS.test(output))).toEqual([])
    expect(outputs[0]).toContain('[secret]')
    writeFileSync(join(box.folder, 'spillway.yaml'), `${POLICY}misspelt: ${KEY}\n`)
    const wrong = await run('policy', 'check')
    expect(wrong.exitCode).not.toBe(0)
    expect(wrong.stdout + wrong.stderr).not.toMatch(MARKERS)
  })
})
