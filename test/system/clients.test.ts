/** Every client that people point at a gateway, against the built one. Which they are and what is tried: `test/clients/`. */
import { readFileSync } from 'node:fs'
import { beforeAll, describe, expect, it } from 'vitest'
import { CAPABILITIES } from '../clients/capabilities.ts'
import { PAGE, pageOf } from '../clients/page.ts'
import { CLIENT_NAMES, type RunReport, runClients } from '../clients/run.ts'

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

  it.each(CAPABILITIES)('$name: $means', ({ name: capability }, { skip }) => {
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
