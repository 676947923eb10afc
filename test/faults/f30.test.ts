/** F30: the disk is full where the audit is written. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { type Sandbox, sandbox } from '../cli/spillway.ts'
import { openAiText } from '../support/cloud-answers.ts'
import { type ScriptedCloud, startScriptedCloud } from '../support/scripted-cloud.ts'
import { auditRecords, cloudPolicy, type ServeProcess, serveProcess } from '../support/serve-process.ts'

let box: Sandbox
let cloud: ScriptedCloud
let server: ServeProcess | null = null
beforeEach(async () => {
  box = sandbox()
  cloud = await startScriptedCloud()
  cloud.otherwise(openAiText('simulated answer'))
})
afterEach(async () => {
  await server?.stop()
  await box.close()
  await cloud.close()
})

/** No file of the process may grow beyond 200 KB: journal, database and its log fill up like on a full disk. */
const FULL = 'ulimit -f 400'
const ENOUGH = 300

/** Asks one after the other until the server refuses. */
async function askUntilRefused({
  url,
  key,
}: ServeProcess): Promise<{ readonly served: number; readonly body: unknown }> {
  for (let served = 0; served < ENOUGH; served++) {
    const response = await fetch(`${url}/v1/chat/completions`, {
      method: 'POST',
      headers: { authorization: `Bearer ${key}` },
      body: JSON.stringify({ model: 'auto', messages: [{ role: 'user', content: `question ${served}` }] }),
    })
    const body: unknown = await response.json()
    if (response.status !== 200) return { served, body }
  }
  return { served: ENOUGH, body: null }
}

const health = async ({ url }: ServeProcess) =>
  (await (await fetch(`${url}/healthz`)).json()) as Record<string, unknown>

describe('F30', () => {
  it('under `refuse` requests get 503 before anybody is asked, and every call that was made is on record', async () => {
    server = await serveProcess(box, { policy: cloudPolicy(cloud.openAiBaseUrl), under: FULL })
    const { served, body } = await askUntilRefused(server)
    expect(served).toBeGreaterThan(5)
    expect(body).toMatchObject({ error: { type: 'server_error', code: 'audit_unwritable' } })
    const asked = cloud.requests.length
    expect(await askUntilRefused(server)).toMatchObject({ served: 0 })
    expect(cloud.requests).toHaveLength(asked)
    expect(await health(server)).toMatchObject({ status: 'degraded', audit: { ok: false } })
    const records = await auditRecords(box)
    expect(records.flatMap(({ calls }) => calls)).toHaveLength(asked)
    expect(records.filter(({ outcome }) => outcome === 'accepted').length).toBeGreaterThanOrEqual(served)
  })

  it('under `spool` answers go on, and health says what is only in memory', async () => {
    const policy = cloudPolicy(cloud.openAiBaseUrl, 'audit: { onFailure: spool }')
    server = await serveProcess(box, { policy, under: FULL })
    for (;;) {
      const { audit } = (await health(server)) as { readonly audit: { readonly spooled: number } }
      if (audit.spooled > 0) break
      await server.client.chat.completions.create({ model: 'auto', messages: [{ role: 'user', content: 'hi' }] })
    }
    expect(await health(server)).toMatchObject({ status: 'degraded', audit: { ok: false } })
    expect(await server.stop()).toBe(0)
    expect(server.said()).toMatch(/audit journal .* cannot be written.* were only in memory/)
  })
})
