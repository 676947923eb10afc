import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { keptMetrics, metricsSource } from '../../src/cli/metrics-source.ts'
import { metricsOf } from '../../src/eval/metrics/report.ts'

const COSTS = { hardwareYears: 4, maintenanceUsdPerMonth: 0 }
const EMPTY = metricsOf([], { costs: COSTS, isPart: false, sinceMs: 0, untilMs: 0 })
const DAY = { since: '24h', task: null }

/** A source that takes 10 ms of a clock that only it moves. */
function slowSource() {
  const state = { nowMs: 1, reads: 0, isBroken: false }
  const source = keptMetrics(
    async () => {
      state.reads += 1
      state.nowMs += 10
      if (state.isBroken) throw new Error('locked')
      return EMPTY
    },
    () => state.nowMs,
  )
  return { state, source }
}

describe('figures that a server is asked for often', () => {
  it('are read once for those who ask meanwhile, and kept for twenty times as long as that took', async () => {
    const { state, source } = slowSource()
    await Promise.all([source(DAY), source(DAY)])
    expect(state.reads).toBe(1)
    state.nowMs += 200
    await source(DAY)
    expect(state.reads).toBe(1)
    state.nowMs += 1
    await source(DAY)
    expect(state.reads).toBe(2)
  })

  it('are kept apart by span and task', async () => {
    const { state, source } = slowSource()
    await source(DAY)
    await source({ ...DAY, task: 'triage' })
    await source({ ...DAY, since: '7d' })
    expect(state.reads).toBe(3)
  })

  it('are read again after a failure', async () => {
    const { state, source } = slowSource()
    state.isBroken = true
    await expect(source(DAY)).rejects.toThrow('locked')
    state.isBroken = false
    expect(await source(DAY)).toBe(EMPTY)
  })
})

describe('figures that are read in a thread', () => {
  const source = (stateDir: string) => metricsSource({ stateDir, costs: () => COSTS, nowMs: () => 0 })

  it('are those of no requests while there is no audit', async () => {
    const stateDir = mkdtempSync(join(tmpdir(), 'spillway-metrics-'))
    expect(await source(stateDir)({ since: '1d', task: null })).toMatchObject({
      since: '1969-12-31T00:00:00.000Z',
      tasks: [],
    })
    rmSync(stateDir, { recursive: true })
  })

  it('end in the failure of the store, with its code and its fix', async () => {
    const stateDir = mkdtempSync(join(tmpdir(), 'spillway-metrics-'))
    mkdirSync(join(stateDir, 'audit'))
    writeFileSync(join(stateDir, 'audit', 'audit.db'), 'no database at all, but long enough to look at '.repeat(9))
    await expect(source(stateDir)(DAY)).rejects.toMatchObject({ code: 'store_corrupt', name: 'RouterError' })
    rmSync(stateDir, { recursive: true })
  })
})
