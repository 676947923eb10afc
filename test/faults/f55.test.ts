/** F55: a gateway is killed; the client sends its request again, with the same idempotency key. */
import type { ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { stringify } from 'yaml'
import { randomFrom } from '../../src/learn/random.ts'
import { type Sandbox, sandbox } from '../cli/spillway.ts'
import { openAiText } from '../support/cloud-answers.ts'
import { cloudPolicy, type KeyedSent, sendKeyed } from '../support/keyed-gateway.ts'
import { type Reply, type ScriptedCloud, startScriptedCloud } from '../support/scripted-cloud.ts'

let box: Sandbox
let cloud: ScriptedCloud
let server: ChildProcess | null = null
beforeEach(async () => {
  box = sandbox()
  cloud = await startScriptedCloud()
  cloud.otherwise(openAiText('simulated answer'))
  writeFileSync(join(box.folder, 'spillway.yaml'), stringify(cloudPolicy(cloud.openAiBaseUrl)))
})
afterEach(async () => {
  await kill()
  await box.close()
  await cloud.close()
})

async function start(): Promise<Pick<KeyedSent, 'url' | 'apiKey'>> {
  server = box.start(['serve', '--json', '--port', '0'], { CLOUD_KEY: 'simulated' })
  server.stderr?.resume()
  if (!server.stdout) throw new Error('the server has no output')
  for await (const line of createInterface({ input: server.stdout })) {
    const { url, keyFile } = JSON.parse(line) as { url: string; keyFile: string }
    return { url, apiKey: readFileSync(keyFile, 'utf8').trim() }
  }
  throw new Error('the server ended before it was ready')
}

async function kill(): Promise<void> {
  if (!server || server.exitCode !== null || server.signalCode !== null) return
  server.kill('SIGKILL')
  await once(server, 'exit')
}

/** Whatever it was that came back before the server died; null when nothing whole did. */
const orNull = async <T>(work: Promise<T>): Promise<T | null> => await work.catch(() => null)

describe('F55', () => {
  it('a finished answer, streamed or not, is replayed by the next gateway', async () => {
    const first = await start()
    const sent = [false, true].map((stream) => ({ idempotencyKey: `k-${stream}`, stream }))
    const before = await Promise.all(sent.map((one) => sendKeyed({ ...first, ...one })))
    await kill()
    const second = await start()
    for (const [at, one] of sent.entries()) {
      const { body, requestId } = before[at] ?? {}
      const again = await sendKeyed({ ...second, ...one })
      expect(again).toMatchObject({ status: 200, body, requestId, isReplay: true, isRerun: false })
    }
    expect(cloud.requests).toHaveLength(2)
  })

  it('an answer that was under way is asked for once more, which is said, and replayed from then on', async () => {
    const never = new Promise<void>(() => undefined)
    const full = openAiText('simulated answer')
    const cut: Reply = (request) => {
      const reply = typeof full === 'function' ? full(request) : full
      if (typeof reply === 'string') return reply
      return { ...reply, before: (index) => (index === reply.pieces.length - 1 ? never : undefined) }
    }
    cloud.enqueue(cut, cut)
    const first = await start()
    const sent = [false, true].map((stream) => ({ idempotencyKey: `k-${stream}`, stream }))
    const lost = sent.map((one) => orNull(sendKeyed({ ...first, ...one })))
    await cloud.request(1)
    await kill()
    expect(await Promise.all(lost)).toEqual([null, null])
    const next = await start()
    for (const one of sent) {
      const again = await sendKeyed({ ...next, ...one })
      expect(again).toMatchObject({ status: 200, isRerun: true, isReplay: false })
      expect(await sendKeyed({ ...next, ...one })).toMatchObject({ body: again.body, isReplay: true, isRerun: false })
    }
    expect(cloud.requests).toHaveLength(4)
  })

  it('killed at a random moment after the upstream has answered: replayed, or asked once more and said so', async () => {
    const random = randomFrom(55)
    for (let turn = 0; turn < 2; turn++) {
      const sent = { idempotencyKey: `k${turn}`, stream: turn % 2 === 1 }
      const before = cloud.requests.length
      const first = orNull(sendKeyed({ ...(await start()), ...sent }))
      await cloud.request(before)
      const steps = Math.floor(random() * 12)
      for (let step = 0; step < steps; step++) await new Promise((resolve) => setImmediate(resolve))
      await kill()
      const came = await first
      const again = await sendKeyed({ ...(await start()), ...sent })
      const calls = cloud.requests.length - before
      expect(again.status).toBe(200)
      expect({ calls, isRerun: again.isRerun }).toEqual(
        again.isReplay ? { calls: 1, isRerun: false } : { calls: 2, isRerun: true },
      )
      if (came?.status === 200 && again.isReplay) expect(again.body).toBe(came.body)
      await kill()
    }
  })
})
