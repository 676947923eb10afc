/**
 * Preloaded into a measured process: tells the parent what the process has used so far. Nothing of it is on a request's way.
 * JavaScript, since a process that strips types needs memory for it.
 */
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'

process.on('message', (question) => {
  if (question !== 'usage' && question !== 'usage-after-gc') return
  if (question === 'usage-after-gc') collect()
  const { user, system } = process.cpuUsage()
  const { rss, heapUsed } = process.memoryUsage()
  process.send({ cpuS: (user + system) / 1e6, rssMiB: rss / 2 ** 20, heapMiB: heapUsed / 2 ** 20 })
})
// The channel alone keeps no process alive; a thread of the process has none.
process.channel?.unref()

function collect() {
  setFlagsFromString('--expose-gc')
  const gc = runInNewContext('gc')
  gc()
  gc()
}
