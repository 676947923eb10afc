import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, describe, expect, it } from 'vitest'
import { createRouter } from '../../src/compose.ts'
import { replaceableRouter } from '../../src/gateway/reload.ts'
import type { PolicyInput } from '../../src/spec/policy.ts'
import type { Router } from '../../src/spec/router.ts'
import { closeGateways, testGateway } from '../support/gateway.ts'
import { closeAll, gatewayOnCloud } from '../support/gateway-on-cloud.ts'

afterEach(async () => {
  await closeGateways()
  await closeAll()
})

function policyAt(baseUrl: string): PolicyInput {
  return {
    models: { big: { provider: 'openai', model: 'auto', tier: 'frontier', baseUrl, apiKey: '${env:KEY}' } },
    tasks: { direct: { pattern: 'direct', local: false } },
    defaults: { task: 'direct' },
  }
}

describe('a model whose address leads back to the gateway', () => {
  it('is refused at its first request, and the client is told why', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'spillway-loop-'))
    const paths = { configDir: folder, dataDir: folder, cacheDir: folder, stateDir: folder }
    const open = (url: string, KEY: string): Router => createRouter({ policy: policyAt(url), env: { KEY }, paths })
    const { router, replace } = replaceableRouter(open('http://127.0.0.1:9', 'none'))
    const gateway = await testGateway(router)
    replace(open(`${gateway.url}/v1`, gateway.key))
    const asked = gateway.client.chat.completions.create({ model: 'auto', messages: [{ role: 'user', content: 'hi' }] })
    await expect(asked).rejects.toThrow(/its address leads back to this gateway/)
    const loops = gateway.logLines.map((line) => JSON.parse(line)).filter(({ error }) => error === 'request_loop')
    expect(loops).toMatchObject([{ path: '/v1/chat/completions', status: 508 }])
    await router.close()
    rmSync(folder, { recursive: true, force: true })
  })
})

describe('the mark of a hop', () => {
  it('goes to servers of this machine, and one of another process is no loop', async () => {
    const { gateway, cloud } = await gatewayOnCloud()
    cloud.otherwise({ headers: { 'content-type': 'application/json' }, pieces: ['{}'] })
    const sent = { model: 'auto', messages: [{ role: 'user' as const, content: 'hi' }] }
    await gateway.client.chat.completions.create(sent, { headers: { 'x-spillway-hop': '1.2' } }).catch(() => undefined)
    expect(cloud.requests[0]?.headers['x-spillway-hop']).toMatch(/^\d+\.\d+$/)
    expect(cloud.requests[0]?.headers['x-spillway-hop']).not.toBe('1.2')
  })
})
