/** F36, at length: the process is killed a thousand times at random moments. */
import { describe, expect, it } from 'vitest'
import { killRounds } from '../support/kill-rounds.ts'

describe('F36', () => {
  it('1,000 times kill -9 in the middle of requests: no call is lost, none is doubled, nothing stays open', async () => {
    for (let part = 0; part < 20; part++) {
      const report = await killRounds({ kills: 50, seed: 3600 + part })
      expect(report).toMatchObject({ kills: 50, lost: [], doubled: [], open: [] })
    }
  })
})
