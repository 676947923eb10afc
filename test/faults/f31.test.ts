/** F31: another process keeps the audit database locked for longer than anybody waits for it. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { DatabaseSync } from 'node:sqlite'
import { afterEach, describe, expect, it } from 'vitest'
import { auditPaths } from '../../src/stores/audit-log.ts'
import { openAiText } from '../support/cloud-answers.ts'
import { closeAll, gatewayOnCloud } from '../support/gateway-on-cloud.ts'

afterEach(closeAll)

/** Holds the lock from when it prints until its input ends. */
const HOLD = `
  const { DatabaseSync } = require('node:sqlite')
  const database = new DatabaseSync(process.argv[1], { timeout: 5000 })
  database.exec('BEGIN EXCLUSIVE')
  process.stdout.write('held')
  process.stdin.resume().on('end', () => database.exec('COMMIT'))
`

describe('F31', () => {
  it('requests go on while the database is locked, health says so, and every row lands after', async () => {
    const { gateway, router, cloud, folder } = await gatewayOnCloud()
    cloud.otherwise(openAiText('simulated answer'))
    const { databasePath } = auditPaths(folder)
    const holder = spawn(process.execPath, ['-e', HOLD, databasePath], { stdio: ['pipe', 'pipe', 'inherit'] })
    await once(holder.stdout, 'data')
    const ask = () =>
      gateway.client.chat.completions.create({ model: 'auto', messages: [{ role: 'user', content: 'hi' }] })
    await Promise.all(Array.from({ length: 20 }, ask))
    // The thread that moves rows gives up after five seconds, says so, and tries again.
    await expect.poll(() => router.status().audit.ok).toBe(false)
    await Promise.all(Array.from({ length: 20 }, ask))
    expect(router.audit({})).toHaveLength(40)
    holder.stdin.end()
    await once(holder, 'exit')
    await expect.poll(() => rows(databasePath)).toBe(40)
    await expect.poll(() => router.status().audit.ok).toBe(true)
  })
})

function rows(path: string): unknown {
  const database = new DatabaseSync(path, { readOnly: true })
  const [row] = database.prepare("SELECT count(*) AS n FROM audit WHERE outcome = 'accepted'").all()
  database.close()
  return row?.n
}
