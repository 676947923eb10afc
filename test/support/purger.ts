/** A program for the crash test: deletes everything of a tenant and says `done`. */
import { writeSync } from 'node:fs'
import { purgeStore } from '../../src/stores/purge.ts'

const [stateDir = '', tenant = ''] = process.argv.slice(2)
writeSync(1, 'begun\n')
await purgeStore({
  stateDir,
  filter: { tenant },
  dryRun: false,
  monotonicMs: () => performance.now(),
  sleep: async () => {},
})
writeSync(1, 'done\n')
