/** F36, at length: the process is killed a thousand times at random moments. */
import { describe, expect, it } from 'vitest'
import { figure } from '../support/figure.ts'
import { killRounds } from '../support/kill-rounds.ts'

describe('F36', () => {
  it('1,000 times kill -9 in the middle of requests: no call is lost, none is doubled, nothing stays open', async (context) => {
    let reached = 0
    for (let part = 0; part < 20; part++) {
      const report = await killRounds({ kills: 50, seed: 3600 + part })
      reached += report.reached
      expect(report, `part ${part}: ${JSON.stringify(report)}`).toMatchObject({ lost: [], doubled: [], open: [] })
      figure(context, `${50 * (part + 1)} times killed: ${reached} calls reached the cloud, none lost, none doubled`)
    }
  })
})
