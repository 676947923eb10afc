/** F53: the same request with the same idempotency key, twice at once. */
import { readdirSync, readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { openAiText } from '../support/cloud-answers.ts'
import { type KeyedAnswer, type KeyedGateways, keyedGateways, sendKeyed } from '../support/keyed-gateway.ts'
import { type ScriptedCloud, startScriptedCloud } from '../support/scripted-cloud.ts'

let cloud: ScriptedCloud
let gateways: KeyedGateways
beforeEach(async () => {
  cloud = await startScriptedCloud()
  // Every call of the cloud gets another answer: bytes are equal only when there was one call.
  cloud.otherwise((request) => {
    const reply = openAiText(`simulated answer ${cloud.requests.indexOf(request)}`)
    return typeof reply === 'function' ? reply(request) : reply
  })
  gateways = keyedGateways(cloud)
})
afterEach(async () => {
  await gateways[Symbol.asyncDispose]()
  await cloud.close()
})

const PAIRS = 200

describe('F53', () => {
  it(`${PAIRS} pairs at once, half of them streams, half over two gateways: one call each, equal bytes, one replay`, async () => {
    const [first, second] = [await gateways.open(), await gateways.open()]
    const pair = async (at: number): Promise<readonly KeyedAnswer[]> => {
      const same = { apiKey: first.key, idempotencyKey: `pair-${at}`, content: `question ${at}`, stream: at % 2 === 0 }
      const other = at % 4 < 2 ? first : second
      return await Promise.all([sendKeyed({ ...same, url: first.url }), sendKeyed({ ...same, url: other.url })])
    }
    const pairs = await Promise.all(Array.from({ length: PAIRS }, (_, at) => pair(at)))
    for (const [one, other] of pairs) {
      expect([one?.status, other?.status]).toEqual([200, 200])
      expect(one?.body).toBe(other?.body)
      expect(one?.requestId).toBe(other?.requestId)
      expect([one?.isReplay, other?.isReplay].filter(Boolean)).toHaveLength(1)
    }
    expect(pairs[0]?.[0]?.body).toMatch(/data: \[DONE\]\n\n$/)
    expect(cloud.requests).toHaveLength(PAIRS)
    expect(new Set(pairs.map(([one]) => one?.body)).size).toBe(PAIRS)
  })

  it('what is kept is for the owner of the file alone, and holds neither question nor answer nor key in the clear', async () => {
    const gateway = await gateways.open()
    const sent = { url: gateway.url, apiKey: gateway.key, idempotencyKey: 'marker-key', content: 'marker question' }
    const { body } = await sendKeyed(sent)
    expect(body).toContain('simulated answer 0')
    expect((await sendKeyed(sent)).body).toBe(body)
    const files = readdirSync(gateways.stateDir).filter((file) => file.startsWith('idempotency.sqlite'))
    expect(files.length).toBeGreaterThan(0)
    for (const file of files) {
      const path = join(gateways.stateDir, file)
      expect(statSync(path).mode & 0o077).toBe(0)
      expect(readFileSync(path, 'latin1')).not.toMatch(/marker|simulated answer/)
    }
  })
})
