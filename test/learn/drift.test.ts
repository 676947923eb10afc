import { describe, expect, it } from 'vitest'
import { alarmAt, createDriftMonitor } from '../../src/learn/drift.ts'
import { randomFrom } from '../../src/learn/random.ts'
import { figure } from '../support/figure.ts'

const LEVEL = alarmAt(0.05)

/** Rows until the alarm; null when there was none. */
function rowsToAlarm(
  random: () => number,
  rows: number,
  valueAt: (row: number) => readonly (number | null)[],
): number | null {
  const monitor = createDriftMonitor(['size', 'margin', 'words'])
  for (let row = 1; row <= rows; row++) {
    monitor.take(valueAt(row), random())
    if (monitor.state().logWealth >= LEVEL) return row
  }
  return null
}

describe('a drift monitor', () => {
  it('alarms in at most 5 of 100 histories in which nothing changes, looked at after every row', (context) => {
    const random = randomFrom(11)
    const runs = 400
    const alarms = Array.from({ length: runs }, () =>
      rowsToAlarm(random, 600, () => [random() ** 3, Math.floor(4 * random()), random() < 0.2 ? null : random()]),
    ).filter((row) => row !== null).length
    figure(context, `${alarms} of ${runs} histories without a change alarmed at 0.05 within 600 rows`)
    expect(alarms / runs).toBeLessThanOrEqual(0.05)
  })

  it.each([
    ['a large shift of one figure', (random: () => number) => random() + 0.8],
    ['a fall', (random: () => number) => random() - 0.8],
    ['a moderate shift', (random: () => number) => random() + 0.3],
  ])('finds %s after 1,000 rows without', (_name, after) => {
    const random = randomFrom(5)
    const found = Array.from({ length: 15 }, () =>
      rowsToAlarm(random, 2000, (row) => [row > 1000 ? after(random) : random(), random(), random()]),
    )
    const delays = found.map((row) => (row ?? Number.POSITIVE_INFINITY) - 1000).toSorted((a, b) => a - b)
    expect(delays[7]).toBeGreaterThan(0)
    expect(delays[7]).toBeLessThan(250)
  })

  it('names the figure, counts rows, and leaves out what is missing', () => {
    const random = randomFrom(2)
    const monitor = createDriftMonitor(['size', 'margin'])
    expect(monitor.state()).toEqual({ rows: 0, logWealth: 0, strongest: null })
    for (let row = 0; row < 400; row++) monitor.take([null, row < 200 ? random() : random() + 1], random())
    expect(monitor.state()).toMatchObject({ rows: 400, strongest: 'margin' })
    expect(monitor.state().logWealth).toBeGreaterThan(LEVEL)
  })

  it('takes a constant for what it is', () => {
    const random = randomFrom(4)
    expect(rowsToAlarm(random, 800, () => [1, 0, 3])).toBeNull()
  })
})
