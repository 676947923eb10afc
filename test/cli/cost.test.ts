import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readdirSync, rmSync, writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { pathToFileURL } from 'node:url'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { resolvePaths } from '../../src/models/paths.ts'
import { openAuditLog } from '../../src/stores/audit-log.ts'
import { auditRecord } from '../support/audit-record.ts'
import { type Sandbox, sandbox } from './spillway.ts'

const POLICY = `
models:
  big: { provider: openai, model: gpt-4.1-nano, tier: frontier, apiKey: "\${env:KEY}" }
tasks:
  chat: { frontier: big }
budgets: { day: 1 }
`
const TODAY = new Date().toISOString()

let box: Sandbox
beforeAll(async () => {
  box = sandbox()
  writeFileSync(join(box.folder, 'spillway.yaml'), POLICY)
  const { stateDir } = resolvePaths(box.env, process.platform)
  const log = openAuditLog({ stateDir, durability: 'process', onFailure: 'refuse' })
  const record = auditRecord('r1', { receivedAt: TODAY, outcome: 'accepted', route: 'frontier', key: 'ab12cd34' })
  log.journal.append({ type: 'intent', requestId: 'r1', record: auditRecord('r1', { receivedAt: TODAY }) })
  log.journal.append({ type: 'call', requestId: 'r1', model: 'big', actor: 'frontier', at: TODAY })
  log.journal.append({ type: 'settle', requestId: 'r1', record })
  await log.journal.flushed()
  await log.close()
  // A process that was killed while it held a part of the day's budget, and whose log is gone.
  await killedWhileHolding(stateDir)
})
afterAll(() => box.close())

const HOLDER = `
import { openBudgets } from '${pathToFileURL(resolve(import.meta.dirname, '../../src/stores/budgets.ts'))}'
const book = openBudgets({ stateDir: process.argv[1], monotonicMs: () => 0 })
book.reserve([{ name: 'all', period: process.argv[2], limitUsd: 1 }], 0.9)
book.noted()
process.kill(process.pid, 'SIGKILL')`

async function killedWhileHolding(stateDir: string): Promise<void> {
  const args = ['--input-type=module', '-e', HOLDER, stateDir, TODAY.slice(0, 10)]
  const child = spawn(process.execPath, args, { stdio: ['ignore', 'ignore', 'inherit'] })
  const [, signal] = await once(child, 'exit')
  expect(signal).toBe('SIGKILL')
  for (const file of readdirSync(join(stateDir, 'budgets')))
    if (file.endsWith('.log')) rmSync(join(stateDir, 'budgets', file))
}

describe('spillway cost', () => {
  it('sums up requests, models, successes and budgets', async () => {
    const { exitCode, stdout } = await box.run(['cost', 'summary', '--json'])
    expect(exitCode).toBe(0)
    expect(JSON.parse(stdout)).toMatchObject({
      all: { requests: 1, successes: 1, paidUsd: 0 },
      energyUsd: null,
      budgets: [{ name: 'all', period: TODAY.slice(0, 10), takenUsd: 0.9 }],
    })
    const text = await box.run(['cost', 'summary', '--since', '1h'])
    const byKey = await box.run(['cost', 'summary', '--by', 'key'])
    expect(byKey.stdout).toMatch(/^key +requests/)
    expect(byKey.stdout).toMatch(/\nab12cd34 +1 /)
    expect((await box.run(['cost', 'summary', '--by', 'colour'])).exitCode).toBe(2)
    expect(text.stdout).toMatch(/budget all of \d{4}-\d\d-\d\d: \$0\.00 spent, \$0\.9000 reserved/)
  })

  it('takes the latest requests, or those of a task, and tells all under the names of other tools', async () => {
    const found = async (...args: readonly string[]) =>
      JSON.parse((await box.run(['cost', 'summary', '--json', ...args])).stdout)
    expect(await found('--since', '24h', '--limit', '100')).toMatchObject({
      ...{ totalCost: 0, apiOnlyCost: 0, savings: 0, savingsPct: null, all: { requests: 1 } },
      actions: { chat: { requests: 1, calls: 0, totalCost: 0, latencyMsP50: null } },
    })
    expect(await found('--task', 'chat')).toMatchObject({ all: { requests: 1 } })
    expect(await found('--task', 'triage')).toMatchObject({ all: { requests: 0 }, totalCost: 0, tiers: {} })
    expect((await box.run(['cost', 'summary', '--limit', '0'])).exitCode).toBe(2)
  })

  it('reconciles what a killed process had reserved with what was booked', async () => {
    const { exitCode, stdout } = await box.run(['cost', 'reconcile', '--json'])
    expect(exitCode).toBe(0)
    const [changed] = JSON.parse(stdout)
    // The one call has no known cost: it counts with the most that it may have cost, 1,024 tokens of output.
    expect(changed).toMatchObject({ name: 'all', heldUsd: 0 })
    expect(changed.takenUsd).toBeCloseTo(0.0004, 4)
    expect((await box.run(['cost', 'reconcile'])).stderr).toContain('No killed process holds')
  })

  it('compares with the frontier that is named, and refuses a model that is none', async () => {
    const { stdout } = await box.run(['cost', 'summary', '--json', '--baseline', 'big'])
    expect(JSON.parse(stdout)).toMatchObject({ baseline: 'big', baselineUsd: 0 })
    const refused = await box.run(['cost', 'summary', '--baseline', 'small'])
    expect(refused.exitCode).toBe(2)
    expect(refused.stderr).toContain('--baseline small is no frontier of the policy')
    expect(refused.stderr).toContain('Name one of these: big.')
  })

  it('says what is wrong with a span', async () => {
    const { exitCode, stderr } = await box.run(['cost', 'summary', '--since', 'lately'])
    expect(exitCode).toBe(2)
    expect(stderr).toContain('--since lately')
  })
})
