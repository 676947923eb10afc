/** `spillway top` and `spillway dashboard`: the console's numbers in a shell, and its pages over a file. */
import { once } from 'node:events'
import { mkdirSync, renameSync } from 'node:fs'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { resolvePaths } from '../../src/models/paths.ts'
import type { DecisionRow } from '../../src/spec/console.ts'
import type { MetricsReport } from '../../src/spec/metrics.ts'
import { writeHistory } from '../support/console-history.ts'
import { type Sandbox, sandbox } from './spillway.ts'

let box: Sandbox
let stateDir: string
beforeAll(() => {
  box = sandbox()
  stateDir = resolvePaths(box.env, process.platform).stateDir
  writeHistory({ stateDir, rows: 60, spanMs: 3_600_000, untilMs: Date.now() - 5000, named: { tasks: ['triage'] } })
})
afterAll(() => box.close())

describe('top', () => {
  it('is one frame in a pipe, with the figures of `metrics`', async () => {
    const { stdout, exitCode } = await box.run(['top', '--since', '24h'])
    const metrics = JSON.parse((await box.run(['metrics', '--since', '24h', '--json'])).stdout) as MetricsReport
    expect(exitCode).toBe(0)
    expect(stdout).not.toContain('\u001b')
    expect(stdout).toContain(`requests   ${metrics.all.requests} `)
    expect(stdout).toContain(`local      ${((metrics.all.localAcceptance.rate ?? 0) * 100).toFixed(1)} %`)
    expect(stdout).toMatch(/\btriage +(local_accepted|confidence_low)/)
  })

  it('is a JSON value a look for programs, until it is told to stop', async () => {
    const child = box.start(['top', '--json', '--every', '200ms', '--since', '24h'])
    const exited = once(child, 'close')
    const looks: { overview: { metrics: MetricsReport }; latest: readonly DecisionRow[]; server: null }[] = []
    for await (const line of createInterface({ input: child.stdout as NodeJS.ReadableStream })) {
      looks.push(JSON.parse(line))
      if (looks.length === 2) child.kill('SIGINT')
    }
    await exited
    expect(looks.map(({ overview }) => overview.metrics.all.requests)).toEqual(expect.arrayContaining([60, 60]))
    expect(looks[0]).toMatchObject({ server: null })
    expect(looks[0]?.latest).toHaveLength(10)
  })

  it('says what to run before any request, and what is wrong with a span', async () => {
    const empty = sandbox()
    try {
      expect((await empty.run(['top'])).stdout).toContain('No request yet: spillway ask')
      const wrong = await empty.run(['top', '--since', 'lately'])
      expect(wrong.exitCode).toBe(2)
      expect(wrong.stderr).toContain('neither a span nor a date')
    } finally {
      await empty.close()
    }
  })
})

describe('dashboard', () => {
  it('shows an audit that lies anywhere under a key of its own, and changes nothing', async () => {
    const kept = join(box.folder, 'kept')
    mkdirSync(kept)
    renameSync(join(stateDir, 'audit'), join(kept, 'audit'))
    const child = box.start(['dashboard', '--json', '--audit', join(kept, 'audit', 'audit.db')])
    const exited = once(child, 'close')
    try {
      const [line] = (await once(createInterface({ input: child.stdout as NodeJS.ReadableStream }), 'line')) as [string]
      const { url, key } = JSON.parse(line) as { readonly url: string; readonly key: string }
      const root = url.replace(/\/ui$/, '')
      const call = (path: string, body?: object) =>
        fetch(`${root}${path}`, {
          method: body ? 'POST' : 'GET',
          headers: { authorization: `Bearer ${key}`, 'content-type': 'application/json' },
          ...(body && { body: JSON.stringify(body) }),
        })
      const overview = (await (await call('/spillway/v1/overview')).json()) as { metrics: MetricsReport }
      expect(overview.metrics.all.requests).toBe(60)
      expect((await call('/spillway/v1/session', { key })).status).toBe(200)
      expect(await (await call('/spillway/v1/session', { key })).json()).toMatchObject({ isReadOnly: true })
      const closed = [
        ['/spillway/v1/kill', { order: 'stop', reason: 'x' }],
        ['/v1/chat/completions', { model: 'auto', messages: [{ role: 'user', content: '2 + 2' }] }],
        ['/spillway/v1/requests/history-1/label', { verdict: 'wrong' }],
        ['/spillway/v1/tasks/triage/rollback', { why: 'x' }],
        ['/spillway/v1/complete', { messages: [] }],
      ] as const
      for (const [path, body] of closed) expect([path, (await call(path, body)).status]).toEqual([path, 404])
    } finally {
      child.kill('SIGTERM')
      await exited
    }
  })

  it('says so where there is no audit', async () => {
    const { exitCode, stderr } = await box.run(['dashboard', '--audit', 'nowhere'])
    expect(exitCode).toBe(2)
    expect(stderr).toContain('there is no audit at nowhere')
  })
})
