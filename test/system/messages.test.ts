/** The Messages API of `spillway serve` as a process: the real engine, the real Anthropic client, simulated clouds of both dialects. */
import type { ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import Anthropic from '@anthropic-ai/sdk'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { type Sandbox, sandbox } from '../cli/spillway.ts'
import { anthropicToolCalls, openAiToolCalls } from '../support/cloud-answers.ts'
import { type ScriptedCloud, startScriptedCloud } from '../support/scripted-cloud.ts'

let box: Sandbox
let gpt: ScriptedCloud
let claude: ScriptedCloud
let server: ChildProcess | null = null

const CALLS = [{ id: 'call_1', name: 'read', arguments: '{"path":"a.txt"}' }]

beforeEach(async () => {
  box = sandbox()
  gpt = await startScriptedCloud()
  claude = await startScriptedCloud()
  gpt.otherwise(openAiToolCalls(CALLS))
  claude.otherwise(anthropicToolCalls(CALLS))
  const policy = `
models:
  small: { provider: embedded, model: smollm2-135m-instruct, tier: local_fast }
  gpt: { provider: openai, model: simulated, tier: frontier, baseUrl: "${gpt.openAiBaseUrl}", apiKey: "\${env:CLOUD_KEY}" }
  claude: { provider: anthropic, model: simulated, tier: frontier, baseUrl: "${claude.url}", apiKey: "\${env:CLOUD_KEY}" }
defaults: { task: story }
tasks:
  story: { pattern: direct, complexity: simple, local: small, frontier: false }
  mood: { kind: boolean, description: Is the text cheerful?, local: small, frontier: false, stage: accept, accept: { uncalibrated: true }, minConfidence: 0 }
  by_gpt: { pattern: direct, local: false, frontier: gpt }
  by_claude: { pattern: direct, local: false, frontier: claude }
`
  writeFileSync(join(box.folder, 'spillway.yaml'), policy)
})

afterEach(async () => {
  if (server && server.exitCode === null && server.signalCode === null) {
    server.kill('SIGTERM')
    await once(server, 'exit')
  }
  server = null
  await box.close()
  await gpt.close()
  await claude.close()
})

async function serve(): Promise<Anthropic> {
  server = box.start(['serve', '--json', '--port', '0'], { CLOUD_KEY: 'simulated' })
  server.stderr?.resume()
  if (!server.stdout) throw new Error('the server has no output')
  for await (const line of createInterface({ input: server.stdout })) {
    const ready = JSON.parse(line) as { url: string; keyFile: string }
    return new Anthropic({ baseURL: ready.url, apiKey: readFileSync(ready.keyFile, 'utf8').trim(), maxRetries: 0 })
  }
  throw new Error('the server ended before it was ready')
}

const say = (content: string) => [{ role: 'user' as const, content }]

describe('the real Anthropic client', () => {
  it('gets the words of the real local model, whole and streamed, and what it counted', async () => {
    const client = await serve()
    const asked = { model: 'auto', max_tokens: 12, temperature: 0, messages: say('Tell me about the sea.') }
    const whole = await client.messages.create(asked)
    expect(whole).toMatchObject({ model: 'small', stop_reason: 'max_tokens', usage: { output_tokens: 12 } })
    const [block] = whole.content
    const text = block?.type === 'text' ? block.text : ''
    expect(text.length).toBeGreaterThan(5)
    const stream = client.messages.stream(asked)
    let deltas = 0
    stream.on('text', () => void deltas++)
    const final = await stream.finalMessage()
    expect(final).toMatchObject({ model: 'small', stop_reason: 'max_tokens', content: [{ type: 'text', text }] })
    expect(deltas).toBeGreaterThan(1)
    expect(final.usage.input_tokens).toBe(whole.usage.input_tokens)
    const counted = await client.messages.countTokens({ model: 'auto', messages: asked.messages })
    expect(counted.input_tokens).toBeGreaterThan(5)
  })

  it('hears which stop sequence ended the words of the local model', async () => {
    const client = await serve()
    const asked = { model: 'auto', max_tokens: 60, temperature: 0, messages: say('Tell me about the sea.') }
    const [block] = (await client.messages.create(asked)).content
    const word = (block?.type === 'text' ? block.text : '').split(' ')[3] ?? ''
    expect(word.length).toBeGreaterThan(0)
    const stopped = await client.messages.create({ ...asked, stop_sequences: ['@@never@@', ` ${word}`] })
    expect(stopped).toMatchObject({ stop_reason: 'stop_sequence', stop_sequence: ` ${word}` })
    const streamed = await client.messages.stream({ ...asked, stop_sequences: [` ${word}`] }).finalMessage()
    expect(streamed).toMatchObject({ stop_reason: 'stop_sequence', stop_sequence: ` ${word}` })
  })

  it('gets a typed decision, and the calls of tools from clouds of both dialects', async () => {
    const client = await serve()
    const mood = await client.messages.create({
      model: 'mood',
      max_tokens: 5,
      messages: say('What a sunny, happy day!'),
    })
    expect(['yes', 'no']).toContain(mood.content[0]?.type === 'text' ? mood.content[0].text : '')
    const tools = [{ name: 'read', input_schema: { type: 'object' as const } }]
    const use = [{ type: 'tool_use', id: 'call_1', name: 'read', input: { path: 'a.txt' } }]
    for (const model of ['by_gpt', 'by_claude']) {
      const asked = { model, max_tokens: 50, messages: say('Read a.txt.'), tools }
      expect(await client.messages.create(asked)).toMatchObject({ stop_reason: 'tool_use', content: use })
      expect(await client.messages.stream(asked).finalMessage()).toMatchObject({
        stop_reason: 'tool_use',
        content: use,
      })
    }
    expect(gpt.requests).toHaveLength(2)
    expect(claude.requests).toHaveLength(2)
  })
})
