/** F42: code of others inside the process throws, rejects, or leaves a promise behind that fails. */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { openAiText } from '../support/cloud-answers.ts'
import { type ScriptedCloud, startScriptedCloud } from '../support/scripted-cloud.ts'

const PROGRAM = resolve(import.meta.dirname, '../support/faulty-plugin.ts')

let folder = ''
let cloud: ScriptedCloud
let server: ChildProcess
let said = ''
let at: { readonly url: string; readonly keyFile: string }
beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'spillway-f42-'))
  cloud = await startScriptedCloud()
  cloud.otherwise(openAiText('simulated frontier'))
  const child = spawn(process.execPath, [PROGRAM, folder, cloud.openAiBaseUrl], { stdio: ['ignore', 'pipe', 'pipe'] })
  server = child
  said = ''
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    said += text
  })
  const [line] = (await once(child.stdout.setEncoding('utf8'), 'data')) as [string]
  at = JSON.parse(line)
})
afterEach(async () => {
  const gone = once(server, 'exit')
  server.kill('SIGKILL')
  await gone
  await cloud.close()
  rmSync(folder, { recursive: true, force: true })
})

async function ask(content: string): Promise<{ readonly status: number; readonly body: string }> {
  const response = await fetch(`${at.url}/v1/chat/completions`, {
    method: 'POST',
    headers: { authorization: `Bearer ${readFileSync(at.keyFile, 'utf8').trim()}` },
    body: JSON.stringify({ model: 'auto', messages: [{ role: 'user', content }] }),
  })
  return { status: response.status, body: await response.text() }
}

describe('F42', () => {
  it('gates that fail have not accepted: the request escalates', async () => {
    const { status, body } = await ask('What makes the gates fail?')
    expect(status).toBe(200)
    expect(JSON.parse(body)).toMatchObject({
      choices: [{ message: { content: 'simulated frontier' } }],
      spillway: { route: 'frontier', reason: 'gate_error' },
    })
  })

  it.each(['throws', 'rejects'])(
    'a model of the operator that %s costs its request a typed error at most',
    async (how) => {
      const { status, body } = await ask(`Something that ${how}.`)
      if (status !== 200) expect(JSON.parse(body)).toMatchObject({ error: { code: 'internal' } })
      expect(body).not.toContain('marker-42')
      expect((await ask('And now?')).status).toBe(200)
    },
  )

  it('a promise that nobody waits for does not end the process, and is told without its words', async () => {
    expect((await ask('Leave a stray promise.')).status).toBe(200)
    await expect
      .poll(() => said)
      .toMatch(/^A failure that nobody waited for: TypeError at faulty-plugin\.ts:\d+\. The server goes on\.$/m)
    expect(said).not.toContain('marker-42')
    expect((await ask('And now?')).status).toBe(200)
    expect(server.exitCode).toBeNull()
  })
})
