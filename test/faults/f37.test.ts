/** F37: the server is told to stop while streams are open. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { type Sandbox, sandbox } from '../cli/spillway.ts'
import { openAiFrames } from '../support/cloud-answers.ts'
import { eventStream, type ScriptedCloud, startScriptedCloud } from '../support/scripted-cloud.ts'
import { auditRecords, cloudPolicy, type ServeProcess, serveProcess } from '../support/serve-process.ts'

let box: Sandbox
let cloud: ScriptedCloud
let server: ServeProcess
let release = (): void => undefined
beforeEach(async () => {
  box = sandbox()
  cloud = await startScriptedCloud()
  const frames = openAiFrames([{ content: 'first ' }, { content: 'second' }])
  const rest = new Promise<void>((resolve) => {
    release = resolve
  })
  cloud.otherwise(eventStream(frames, { before: (index) => (index === 2 ? rest : undefined) }))
  server = await serveProcess(box, { policy: cloudPolicy(cloud.openAiBaseUrl) })
})
afterEach(async () => {
  await server.stop()
  await box.close()
  await cloud.close()
})

const OPEN = 20

async function opened(): Promise<{ readonly rest: Promise<string> }> {
  const body = { model: 'auto', messages: [{ role: 'user', content: 'hi' }], stream: true }
  const response = await post(body)
  const reader = response.body?.pipeThrough(new TextDecoderStream()).getReader()
  let text = ''
  while (!text.includes('first ')) text += (await reader?.read())?.value ?? ''
  const rest = (async () => {
    for (;;) {
      const read = await reader?.read()
      if (!read || read.done) return text
      text += read.value
    }
  })()
  return { rest }
}

function post(body: unknown): Promise<Response> {
  return fetch(`${server.url}/v1/chat/completions`, {
    method: 'POST',
    headers: { authorization: `Bearer ${server.key}` },
    body: JSON.stringify(body),
  })
}

describe('F37', () => {
  it('20 open streams end whole, new requests get 503 and a closed connection, and the exit code is 0', async () => {
    const streams = await Promise.all(Array.from({ length: OPEN }, opened))
    server.process.kill('SIGTERM')
    await expect.poll(() => server.said()).toContain('Stopping')
    const late = await post({ model: 'auto', messages: [{ role: 'user', content: 'too late' }] })
    expect([late.status, late.headers.get('connection')]).toEqual([503, 'close'])
    expect(await late.json()).toMatchObject({ error: { code: 'shutting_down' } })
    expect((await fetch(`${server.url}/readyz`)).status).toBe(503)
    release()
    for (const { rest } of streams) expect(await rest).toMatch(/second[\s\S]*data: \[DONE\]\s*$/)
    expect(await server.exited).toBe(0)
    const records = await auditRecords(box)
    expect(records.map(({ outcome }) => outcome)).toEqual(Array.from({ length: OPEN }, () => 'accepted'))
    expect(cloud.requests).toHaveLength(OPEN)
  })
})
