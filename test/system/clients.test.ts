/** Every client that people point at a gateway, against the built one. Which they are and what is tried: `test/clients/`. */
import { readFileSync } from 'node:fs'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type Sandbox, sandbox } from '../cli/spillway.ts'
import { CAPABILITIES } from '../clients/capabilities.ts'
import { PAGE, pageOf } from '../clients/page.ts'
import { type PythonEnvironment, pythonEnvironment } from '../clients/python-environment.ts'
import { CLIENT_NAMES, type RunReport, runClients } from '../clients/run.ts'
import { runSnippet, snippetsOfGuide } from '../clients/snippets.ts'
import { type ServeProcess, serveProcess } from '../support/serve-process.ts'

let report: RunReport
beforeAll(async () => {
  report = await runClients(CLIENT_NAMES)
}, 280_000)

describe.each(CLIENT_NAMES)('%s', (name) => {
  const found = () => report.clients.find(({ client }) => client.name === name)

  it('can be tried here (elsewhere than in continuous integration it may be skipped)', ({ skip }) => {
    const absent = found()?.client.absent
    if (!process.env.CI) skip(typeof absent === 'string', String(absent))
    expect(absent).toBeNull()
  })

  it.for(CAPABILITIES)('$name: $means', ({ name: capability }, { skip }) => {
    const outcome = found()?.outcomes[capability]
    skip(outcome?.result === 'n/a', outcome?.why ?? '')
    expect(outcome).toEqual({ result: 'pass', why: null })
  })
})

describe('the run as a whole', () => {
  it('left every call of the cloud in the audit', () => {
    expect(report.calls.made).toBeGreaterThan(50)
    expect(report.calls.recorded).toBe(report.calls.made)
  })

  it('found what the page says (npm run test:clients -- --write)', ({ skip }) => {
    const page = pageOf(report)
    skip(page === null, 'not every client could be tried')
    expect(readFileSync(PAGE, 'utf8')).toBe(page)
  })
})

describe('the code of the guide', () => {
  let box: Sandbox
  let server: ServeProcess
  let environment: PythonEnvironment
  beforeAll(async () => {
    box = sandbox()
    // What they ask is for the solver; no model is needed.
    server = await serveProcess(box, { policy: '{}' })
    environment = await pythonEnvironment()
  }, 280_000)
  afterAll(async () => {
    await server.stop()
    await box.close()
  })

  it.for(snippetsOfGuide())('$title prints the answer as it stands in the guide', async (snippet, { skip }) => {
    skip(snippet.language === 'python' && environment.python === null, String(environment.absent))
    const wantsMessages = /anthropic/i.test(snippet.code)
    const { status } = await fetch(`${server.url}/v1/messages`, { method: 'POST', body: '{}', headers: keyOf(server) })
    skip(wantsMessages && status === 404, '/v1/messages is not served')
    const env = { SPILLWAY_URL: server.url, SPILLWAY_KEY: server.key }
    expect(await runSnippet(snippet, env, environment.python ?? '')).toBe('60\n')
  })
})

function keyOf({ key }: ServeProcess): Record<string, string> {
  return { authorization: `Bearer ${key}` }
}
