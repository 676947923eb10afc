/** One round of the kill switch: a gateway in a process of its own under load, an order over HTTP, and who answered after it. */
import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { Agent, request } from 'undici'

export const PER_SECOND = 200
const BEFORE_MS = 1500
const AFTER_MS = 2500

interface Answered {
  readonly sentAt: number
  readonly route: string
}

export interface KillRound {
  /** From the confirmed order to the last request that was sent to the model taken out; 0 when there was none. */
  readonly effectMs: number
  /** Requests sent more than a second after the order that went there all the same. */
  readonly wrongRouteAfter: number
  readonly requests: number
}

export async function killRound(): Promise<KillRound> {
  const folder = mkdtempSync(join(tmpdir(), 'spillway-kill-'))
  const server = fork(resolve(import.meta.dirname, '../fuzz/server.ts'), [folder], {
    stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
  })
  try {
    return await measure(server)
  } finally {
    if (server.connected) server.disconnect()
    if (server.exitCode === null) await once(server, 'exit')
    rmSync(folder, { recursive: true, force: true })
  }
}

async function measure(server: ChildProcess): Promise<KillRound> {
  const [at] = (await once(server, 'message')) as [{ readonly url: string; readonly keyFile: string }]
  const headers = {
    authorization: `Bearer ${readFileSync(at.keyFile, 'utf8').trim()}`,
    'content-type': 'application/json',
  }
  const dispatcher = new Agent({ connections: 64 })
  const post = async (path: string, body: object) => {
    const answer = await request(`${at.url}${path}`, {
      method: 'POST',
      headers,
      body: JSON.stringify(body),
      dispatcher,
    })
    await answer.body.dump()
    return answer
  }
  let orderedAt = Number.POSITIVE_INFINITY
  const ask = async (n: number): Promise<Answered> => {
    const sentAt = performance.now()
    // One message: a local model answers it.
    const answer = await post('/v1/chat/completions', {
      model: 'auto',
      messages: [{ role: 'user', content: `hi ${n}` }],
    })
    return { sentAt, route: String(answer.headers['x-spillway-route']) }
  }
  const asked: Promise<Answered>[] = []
  const started = performance.now()
  const order = sleep(BEFORE_MS).then(async () => {
    const { statusCode } = await post('/spillway/v1/kill', { order: 'frontier_only', reason: 'measured' })
    orderedAt = performance.now()
    if (statusCode !== 200) throw new Error(`the order was answered with ${statusCode}`)
  })
  for (let n = 0; performance.now() - started < BEFORE_MS + AFTER_MS; n++) {
    const wait = started + (n * 1000) / PER_SECOND - performance.now()
    if (wait > 0) await sleep(wait)
    asked.push(ask(n))
  }
  await order
  const answers = (await Promise.all(asked)).map(({ sentAt, route }) => ({ sentMs: sentAt - orderedAt, route }))
  await dispatcher.close()
  if (!answers.some(({ sentMs, route }) => sentMs < 0 && route === 'local'))
    throw new Error('no request went to a local model before the order: nothing is measured')
  const wrong = answers.filter(({ sentMs, route }) => sentMs > 0 && route === 'local')
  return {
    effectMs: Math.round(Math.max(0, ...wrong.map(({ sentMs }) => sentMs))),
    wrongRouteAfter: wrong.filter(({ sentMs }) => sentMs > 1000).length,
    requests: asked.length,
  }
}
