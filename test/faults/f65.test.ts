/** F65: keys that open nothing, and what becomes of those that do. */
import { readdirSync, readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { hashOf, issueKey } from '../../src/gateway/issued-keys.ts'
import { openAiText } from '../support/cloud-answers.ts'
import { type KeyedGateways, keyedGateways, sendKeyed } from '../support/keyed-gateway.ts'
import { type ScriptedCloud, startScriptedCloud } from '../support/scripted-cloud.ts'

let cloud: ScriptedCloud
let gateways: KeyedGateways
beforeEach(async () => {
  cloud = await startScriptedCloud()
  cloud.otherwise(openAiText('simulated answer'))
  gateways = keyedGateways(cloud)
})
afterEach(async () => {
  await gateways[Symbol.asyncDispose]()
  await cloud.close()
})

/** Every file of a folder but one, as latin1, so that bytes are found wherever they lie. */
function filesOf(folder: string, except: string): readonly { readonly file: string; readonly text: string }[] {
  return readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .map((file) => ({ file, path: join(folder, file) }))
    .filter(({ file, path }) => file !== except && statSync(path).isFile())
    .map(({ file, path }) => ({ file, text: readFileSync(path, 'latin1') }))
}

describe('F65', () => {
  it('no key, a wrong one, SQL, two that differ, a cut one, one in the URL: 401, and no call of a model', async () => {
    const { url, key, stateDir } = await gateways.open()
    const issued = issueKey(stateDir, { name: 'ci' })
    const body = JSON.stringify({ model: 'auto', messages: [{ role: 'user', content: 'hello' }] })
    const post = async (headers: Readonly<Record<string, string>>, query = '') => {
      const init = { method: 'POST', body, headers: { 'content-type': 'application/json', ...headers } }
      const response = await fetch(`${url}/v1/chat/completions${query}`, init)
      return { status: response.status, text: await response.text() }
    }
    const wrong = `${issued.key.slice(0, -1)}${issued.key.endsWith('A') ? 'B' : 'A'}`
    const refused = await Promise.all([
      post({}),
      post({ authorization: `Bearer ${wrong}` }),
      post({ authorization: `Bearer ${issued.key.slice(0, -1)}` }),
      post({ authorization: `Bearer ${hashOf(issued.key)}` }),
      post({ authorization: "Bearer ' OR '1'='1" }),
      post({ authorization: "Bearer x'; DROP TABLE audit; --" }),
      post({ authorization: `Basic ${Buffer.from(`x:${issued.key}`).toString('base64')}` }),
      post({ authorization: `Bearer ${issued.key}`, 'x-api-key': key }),
      post({}, `?key=${issued.key}`),
      post({}, `?api_key=${key}&access_token=${issued.key}`),
    ])
    for (const { status, text } of refused) {
      expect(status).toBe(401)
      expect(text).toContain('"code":"unauthorized"')
      expect(text).not.toMatch(/spw_/)
    }
    expect(cloud.requests).toHaveLength(0)
    expect((await post({ authorization: `Bearer ${issued.key}` })).status).toBe(200)
    expect((await post({ 'x-api-key': issued.key })).status).toBe(200)
  })

  it('keys that were used, well or badly, stand in no log and no file but as hashes', async () => {
    const gateway = await gateways.open()
    const { url, key: operatorKey, stateDir, logLines } = gateway
    const issued = issueKey(stateDir, { name: 'ci', grant: { requestsPerMinute: 50, budget: { day: 1 } } })
    for (const apiKey of [operatorKey, issued.key])
      for (const stream of [false, true])
        expect((await sendKeyed({ url, apiKey, idempotencyKey: `k-${stream}`, stream })).status).toBe(200)
    await fetch(`${url}/v1/models?key=${issued.key}`)
    await fetch(`${url}/v1/models/${issued.key}`, { headers: { 'x-api-key': issued.key } })
    await gateways.open()
    for (const secret of [operatorKey, issued.key]) {
      expect(logLines.filter((line) => line.includes(secret))).toEqual([])
      const holding = filesOf(stateDir, 'operator.key').filter(({ text }) => text.includes(secret))
      expect(holding.map(({ file }) => file)).toEqual([])
      for (const request of cloud.requests)
        expect(JSON.stringify([request.headers, request.text])).not.toContain(secret)
    }
    expect(logLines.length).toBeGreaterThan(4)
    expect(filesOf(stateDir, 'operator.key').length).toBeGreaterThan(4)
    const list = join(stateDir, 'keys.json')
    expect(statSync(list).mode & 0o777).toBe(0o600)
    expect(readFileSync(list, 'utf8')).toMatch(/"sha256": "[0-9a-f]{64}"/)
  })
})
