/**
 * `npm run fuzz -- [--json] [--bodies N] [--seed S]`: sends bodies that nobody means to a real gateway over loopback, one after
 * the other and at every door that takes one, and prints what it answered and how long a single body kept it from answering others.
 * Exit code 1 after a crash, a 5xx or a body that keeps others waiting for 50 ms every time. A block is judged by its fastest of five, since a busy machine stops processes too.
 */
import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { parseArgs } from 'node:util'
import { request } from 'undici'
import { type FuzzBody, fuzzBodies } from './fuzz/bodies.ts'

interface Cost {
  readonly blockMs: number
  readonly cpuMs: number
  readonly rssMb: number
}

const LIMIT_MS = 50
const REPEATS = 5
const { values } = parseArgs({
  options: {
    json: { type: 'boolean' },
    bodies: { type: 'string', default: '20000' },
    seed: { type: 'string', default: '1' },
  },
})
const seed = Number(values.seed)
const folder = mkdtempSync(join(tmpdir(), 'spillway-fuzz-'))
const child = fork(resolve(import.meta.dirname, 'fuzz/server.ts'), [folder], {
  stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
})
const report = await fuzz(child).finally(() => {
  if (child.connected) child.disconnect()
})
if (child.exitCode === null) await once(child, 'exit')
rmSync(folder, { recursive: true, force: true })
process.stdout.write(`${JSON.stringify(report, null, 2)}\n`)
process.exitCode = report.crashes + report.serverErrors.length + report.blocksOver50Ms.everyTime === 0 ? 0 : 1

async function fuzz(server: ChildProcess) {
  const [at] = (await once(server, 'message')) as [{ readonly url: string; readonly keyFile: string }]
  const key = readFileSync(at.keyFile, 'utf8').trim()
  const send = async ({
    path = '/v1/chat/completions',
    bytes,
  }: FuzzBody): Promise<{ readonly status: string; readonly cost: Cost }> => {
    const status = await statusOf(`${at.url}${path}`, key, bytes)
    server.send('cost')
    const [cost] = (await once(server, 'message', { signal: AbortSignal.timeout(30_000) })) as [Cost]
    return { status, cost }
  }
  for (const bytes of ['{}', '[]']) await send({ kind: 'warm up', bytes: Buffer.from(bytes) })
  const byStatus: Record<string, number> = {}
  const serverErrors: string[] = []
  const slow: {
    readonly kind: string
    readonly bytes: number
    readonly blockMs: number
    readonly repeatedMs: number
  }[] = []
  let worstBlockMs = 0
  let mostRssMb = 0
  let sent = 0
  let crashes = 0
  try {
    for (const body of [...fuzzBodies(seed, Number(values.bodies)), ...devBodies()]) {
      const { status, cost } = await send(body)
      sent += 1
      byStatus[status] = (byStatus[status] ?? 0) + 1
      // The scripted frontier never says a list of documents, so whatever it is asked to rank is malformed upstream.
      if (/^5/.test(status) && !(status === '502' && body.path === '/v1/rerank'))
        serverErrors.push(`${status} ${body.kind} ${body.bytes.subarray(0, 200).toString('latin1')}`)
      worstBlockMs = Math.max(worstBlockMs, cost.blockMs)
      mostRssMb = Math.max(mostRssMb, cost.rssMb)
      if (cost.blockMs < LIMIT_MS) continue
      let repeatedMs = cost.blockMs
      for (let turn = 1; turn < REPEATS && repeatedMs >= LIMIT_MS; turn++)
        repeatedMs = Math.min(repeatedMs, (await send(body)).cost.blockMs)
      slow.push({ kind: body.kind, bytes: body.bytes.length, blockMs: cost.blockMs, repeatedMs })
    }
  } catch (error) {
    crashes += 1
    serverErrors.push(error instanceof Error ? error.message : String(error))
  }
  const repeated = slow
    .filter(({ repeatedMs }) => repeatedMs >= LIMIT_MS)
    .toSorted((a, b) => b.repeatedMs - a.repeatedMs)
  return {
    bodies: sent,
    seeds: [seed],
    crashes,
    serverErrors,
    byStatus,
    worstBlockMs: rounded(worstBlockMs),
    /** Of bodies that block as long every time. */
    worstRepeatedBlockMs: rounded(repeated[0]?.repeatedMs ?? Math.max(0, ...slow.map(({ repeatedMs }) => repeatedMs))),
    blocksOver50Ms: { once: slow.length, everyTime: repeated.length },
    slowest: repeated.slice(0, 8).map(({ kind, bytes, repeatedMs }) => ({ kind, bytes, blockMs: rounded(repeatedMs) })),
    mostRssMb: Math.round(mostRssMb),
  }
}

async function statusOf(url: string, key: string, bytes: Buffer): Promise<string> {
  try {
    const headers = { authorization: `Bearer ${key}`, 'content-type': 'application/json' }
    const { statusCode, body } = await request(url, { method: 'POST', headers, body: bytes })
    await body.dump({ limit: 64 * 2 ** 20 })
    return String(statusCode)
  } catch {
    // A body over the limit is refused while it is still being sent.
    return 'closed'
  }
}

/** The material that lies beside the repository in some places. */
function devBodies(): readonly FuzzBody[] {
  const data = resolve(import.meta.dirname, '../../shared/data/adversarial')
  if (!existsSync(data)) return []
  const lines = (file: string) =>
    readFileSync(join(data, file), 'utf8')
      .split('\n')
      .filter((line) => line !== '')
      .map((line) => JSON.parse(line) as Readonly<Record<string, unknown>>)
  const suite = lines('bad_json/jsontestsuite_dev.jsonl').map(({ b64, repeat }) => {
    const [unit = '', count = 0] = (repeat ?? []) as [string?, number?]
    return { kind: 'JSON suite', bytes: repeat ? Buffer.from(unit.repeat(count)) : Buffer.from(String(b64), 'base64') }
  })
  const bodies = lines('bad_json/llm_requests.jsonl').flatMap(({ raw_b64: raw, body }) => {
    if (raw === undefined && body === undefined) return []
    return [
      {
        kind: 'request',
        bytes: raw === undefined ? Buffer.from(JSON.stringify(body)) : Buffer.from(String(raw), 'base64'),
      },
    ]
  })
  const naughty = (JSON.parse(readFileSync(join(data, 'naughty_strings.json'), 'utf8')) as string[]).map((text) => ({
    kind: 'naughty',
    bytes: Buffer.from(JSON.stringify({ model: text, messages: [{ role: 'user', content: text }] })),
  }))
  return [...suite, ...bodies, ...naughty]
}

function rounded(ms: number): number {
  return Number(ms.toFixed(1))
}
