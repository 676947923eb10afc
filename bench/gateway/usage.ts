/** Preloaded into a measured process: tells the parent what the process has used so far. Nothing of it is on a request's way. */
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'

export interface Usage {
  /** User and system time of all threads, in seconds. */
  readonly cpuS: number
  readonly rssMiB: number
  readonly heapMiB: number
}

process.on('message', (question) => {
  if (question !== 'usage' && question !== 'usage-after-gc') return
  if (question === 'usage-after-gc') collect()
  const { user, system } = process.cpuUsage()
  const { rss, heapUsed } = process.memoryUsage()
  const usage: Usage = { cpuS: (user + system) / 1e6, rssMiB: rss / 2 ** 20, heapMiB: heapUsed / 2 ** 20 }
  process.send?.(usage)
})
// The channel alone keeps no process alive.
process.channel?.unref()

function collect(): void {
  setFlagsFromString('--expose-gc')
  const gc = runInNewContext('gc') as () => void
  gc()
  gc()
}
