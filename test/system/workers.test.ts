import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { resolvePaths } from '../../src/models/paths.ts'
import { type Sandbox, sandbox } from '../cli/spillway.ts'
import { openAiText } from '../support/cloud-answers.ts'
import { type ScriptedCloud, startScriptedCloud } from '../support/scripted-cloud.ts'
import { cloudPolicy, type ServeProcess, serveProcess } from '../support/serve-process.ts'

let box: Sandbox
let cloud: ScriptedCloud
let server: ServeProcess | null = null

beforeEach(async () => {
  box = sandbox()
  cloud = await startScriptedCloud()
  cloud.otherwise(openAiText('Hello.', { usage: { input: 10, output: 10 } }))
})
afterEach(async () => {
  await server?.stop()
  server = null
  await cloud.close()
  await box.close()
})

async function serve(rest = ''): Promise<ServeProcess> {
  server = await serveProcess(box, { policy: cloudPolicy(cloud.openAiBaseUrl, rest), args: ['--workers', '2'] })
  await expect.poll(() => server?.said(), { timeout: 60_000 }).toContain('All 2 workers are ready.')
  return server
}

const serverRecord = () => join(resolvePaths(box.env, process.platform).stateDir, 'server.json')

/** Processes that it started, without those that they started. */
function workersOf(of: ServeProcess | null): readonly number[] {
  const { pid } = of?.process ?? {}
  const text = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8')
  return text.split(' ').flatMap((child) => (child.trim() === '' ? [] : [Number(child)]))
}

function ask(at: ServeProcess, content: string, fresh: boolean): Promise<Response> {
  return fetch(`${at.url}/v1/chat/completions`, {
    method: 'POST',
    headers: {
      ...{ authorization: `Bearer ${at.key}`, 'content-type': 'application/json' },
      // Another connection goes to another process.
      ...(fresh && { connection: 'close' }),
    },
    body: JSON.stringify({ model: 'auto', messages: [{ role: 'user', content }] }),
    // A connection that was handed to a process in the moment of its death is never answered.
    signal: AbortSignal.timeout(10_000),
  })
}

/** Asks all the time, over connections that stay and over new ones, until it is told to end. */
function load(at: ServeProcess) {
  const failures: string[] = []
  let asked = 0
  let isOver = false
  const lane = async (name: number): Promise<void> => {
    while (!isOver) {
      asked += 1
      try {
        const response = await ask(at, `${name} ${asked}`, name % 2 === 0)
        await response.text()
        if (response.status !== 200) failures.push(String(response.status))
      } catch (error) {
        failures.push(String((error as Error).cause ?? error))
      }
    }
  }
  const lanes = [0, 1, 2, 3].map(lane)
  return {
    asked: () => asked,
    async end() {
      isOver = true
      await Promise.all(lanes)
      return { asked, failures }
    },
  }
}

describe('several workers behind one port', () => {
  it('answer with the same keys, end together, and leave nothing behind', async () => {
    const at = await serve()
    const statuses = await Promise.all(Array.from({ length: 12 }, async (_, i) => (await ask(at, `${i}`, true)).status))
    expect(new Set(statuses)).toEqual(new Set([200]))
    expect(JSON.parse(readFileSync(serverRecord(), 'utf8'))).toMatchObject({ url: at.url })
    expect((await box.run(['audit', 'export'])).stdout.trim().split('\n')).toHaveLength(12)
    const workers = workersOf(at)
    expect(await at.stop()).toBe(0)
    for (const pid of workers) expect(() => process.kill(pid, 0)).toThrow()
    expect(() => readFileSync(serverRecord())).toThrow()
  })

  it('are made anew one by one on SIGHUP, and no request fails', async () => {
    const at = await serve()
    const before = workersOf(at)
    const running = load(at)
    await expect.poll(running.asked).toBeGreaterThan(20)
    at.process.kill('SIGHUP')
    await expect.poll(() => at.said(), { timeout: 60_000 }).toContain('All 2 workers are new.')
    const seen = running.asked()
    await expect.poll(running.asked).toBeGreaterThan(seen + 20)
    const { asked, failures } = await running.end()
    expect(failures).toEqual([])
    expect(asked).toBeGreaterThan(40)
    const after = workersOf(at)
    expect(after).toHaveLength(2)
    expect(after.filter((pid) => before.includes(pid))).toEqual([])
  })

  it('are replaced when one is killed, behind the same port', async () => {
    const at = await serve()
    const [victim = 0] = workersOf(at)
    process.kill(victim, 'SIGKILL')
    await expect.poll(() => workersOf(at).filter((pid) => pid !== victim), { timeout: 60_000 }).toHaveLength(2)
    expect(at.said()).toContain(`Worker ${victim} ended (SIGKILL)`)
    expect((await ask(at, 'after', true)).status).toBe(200)
    for (const pid of workersOf(at)) process.kill(pid, 'SIGKILL')
    await expect
      .poll(
        () =>
          ask(at, 'after all', true).then(
            ({ status }) => status,
            () => null,
          ),
        { timeout: 60_000 },
      )
      .toBe(200)
  })

  it('share who is signed in to the console, until somebody signs out', async () => {
    const at = await serve()
    const path = `${at.url}/spillway/v1/session`
    // Another connection goes to another process.
    const one = { connection: 'close', 'content-type': 'application/json' }
    const begun = await fetch(path, { method: 'POST', headers: one, body: JSON.stringify({ key: at.key }) })
    const cookie = begun.headers.get('set-cookie')?.split(';')[0] ?? ''
    const { csrf } = (await begun.json()) as { readonly csrf: string }
    const look = () =>
      Promise.all(
        Array.from({ length: 8 }, async () => {
          const { signedIn } = (await (await fetch(path, { headers: { ...one, cookie } })).json()) as {
            signedIn: boolean
          }
          return signedIn
        }),
      )
    expect(new Set(await look())).toEqual(new Set([true]))
    const out = await fetch(path, { method: 'DELETE', headers: { ...one, cookie, 'x-spillway-csrf': csrf } })
    expect(out.status).toBe(200)
    expect(new Set(await look())).toEqual(new Set([false]))
  })

  it('tell the live page what any of them decides, each decision once', async () => {
    const at = await serve()
    const stop = new AbortController()
    const live = await fetch(`${at.url}/spillway/v1/live`, {
      headers: { authorization: `Bearer ${at.key}` },
      signal: stop.signal,
    })
    let text = ''
    const reading = (async () => {
      for await (const part of live.body?.pipeThrough(new TextDecoderStream()) ?? []) text += part
    })().catch(() => undefined)
    const ids = await Promise.all(
      Array.from({ length: 12 }, async (_, i) => (await ask(at, `${i}`, true)).headers.get('x-request-id')),
    )
    const told = () => [...text.matchAll(/"requestId":"([^"]+)"/g)].map(([, id]) => id).toSorted()
    await expect.poll(told).toEqual(ids.toSorted())
    stop.abort()
    await reading
  })

  it('share a budget: together they spend no more than it', async () => {
    const price = 'priceUsdPerMillion: { input: 1000, output: 1000 }, maxOutputTokens: 10'
    const policy = cloudPolicy(cloud.openAiBaseUrl, 'budgets: { day: 0.5 }').replace(
      'tier: frontier',
      `tier: frontier, ${price}`,
    )
    server = await serveProcess(box, { policy, args: ['--workers', '2'] })
    const at = server
    await expect.poll(() => at.said(), { timeout: 60_000 }).toContain('All 2 workers are ready.')
    const statuses = await Promise.all(
      Array.from({ length: 60 }, async (_, i) => (await ask(at, `question ${i}`, true)).status),
    )
    const answered = statuses.filter((status) => status === 200).length
    expect(answered).toBeGreaterThan(0)
    // Ten tokens in and ten out are two cents.
    expect(answered * 0.02).toBeLessThanOrEqual(0.5)
    expect(cloud.requests).toHaveLength(answered)
    expect(statuses.filter((status) => status !== 200 && status !== 402 && status !== 429)).toEqual([])
  })

  it('all obey the kill switch, whichever of them got the order', async () => {
    const at = await serve()
    expect((await box.run(['kill', 'stop', '--reason', 'a drill'])).exitCode).toBe(0)
    // A second is what the switch promises.
    await new Promise((resolve) => setTimeout(resolve, 1000))
    const asked = cloud.requests.length
    const statuses = await Promise.all(Array.from({ length: 16 }, async (_, i) => (await ask(at, `${i}`, true)).status))
    expect(statuses).not.toContain(200)
    expect(cloud.requests).toHaveLength(asked)
  })
})

describe('workers that cannot be started', () => {
  it('are told once, with the fix', async () => {
    writeFileSync(join(box.folder, 'spillway.yaml'), cloudPolicy('not a url'))
    const wrong = await box.run(['serve', '--workers', '2', '--port', '0'], { env: { CLOUD_KEY: 'simulated' } })
    expect(wrong.exitCode).toBe(2)
    expect(wrong.stderr.match(/Policy/g)).toHaveLength(1)
    const many = await box.run(['serve', '--workers', '0'], { env: { CLOUD_KEY: 'simulated' } })
    expect(many).toMatchObject({ exitCode: 2 })
    expect(many.stderr).toContain('--workers 0')
  })
})
