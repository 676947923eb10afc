/** F36: the process is killed at random moments. */
import { describe, expect, it } from 'vitest'
import { figure } from '../support/figure.ts'
import { killRounds } from '../support/kill-rounds.ts'

describe('F36', () => {
  it('50 times kill -9 in the middle of requests: no call is lost, none is doubled, nothing stays open', async (context) => {
    const report = await killRounds({ kills: 50, seed: 36 })
    expect(report).toMatchObject({ kills: 50, lost: [], doubled: [], open: [] })
    figure(
      context,
      `${report.kills} times killed: ${report.reached} calls reached the cloud, ${report.interrupted} interrupted, ${report.lost.length} lost, ${report.doubled.length} doubled`,
    )
    expect(report.reached).toBeGreaterThan(200)
    expect(report.interrupted).toBeGreaterThan(20)
  })
})
