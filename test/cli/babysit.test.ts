import { once } from 'node:events'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { EngineClient } from '../../src/models/embedded/client.ts'
import { resolvePaths } from '../../src/models/paths.ts'
import { specOf, type TestHost, testHost } from '../engine/support.ts'
import { type Sandbox, sandbox } from './spillway.ts'

let box: Sandbox
let client: EngineClient
let host: Pick<TestHost, 'modelPath'>

/** The host of the sandbox, with models that only this file loads. */
beforeAll(async () => {
  box = sandbox()
  const other = await testHost()
  host = { modelPath: other.modelPath }
  await other.end()
  client = new EngineClient({ paths: resolvePaths(box.env, process.platform), env: box.env, idleExitMs: 60_000 })
})
afterAll(async () => {
  await client.close()
  await box.close()
})

const load = (name: string, contextTokens: number) =>
  client.call('load', specOf(host as TestHost, { name, contextTokens, sequences: 1, threads: 1 }))
const loaded = async (): Promise<readonly string[]> => (await client.call('ps', null)).models.map(({ name }) => name)

const MORE_THAN_ANY_MACHINE_MB = '900000000'

describe('babysit', () => {
  it('has nothing to watch without a host', async () => {
    const { stdout, exitCode } = await box.run(['babysit', '--target-free-mb', '1', '--json'])
    expect(exitCode).toBe(3)
    expect(
      stdout
        .trim()
        .split('\n')
        .map((line) => JSON.parse(line)),
    ).toMatchObject([
      { event: 'start', models: 0 },
      { event: 'end', ending: 'nothing_to_watch' },
    ])
  })

  it.each([
    [['babysit'], "Required option '--target-free-mb <megabytes>' not specified."],
    [['babysit', '--target-free-mb', 'much'], '--target-free-mb much is not a positive whole number.'],
    [['babysit', '--target-free-mb', '1', '--interval', 'now'], '--interval now is not a span of at least 50ms.'],
  ])('refuses %j as wrong usage', async (args, message) => {
    const { stderr, exitCode } = await box.run(args)
    expect(exitCode).toBe(2)
    expect(stderr).toContain(message)
  })

  it('keeps a target that is met, and unloads every idle model for one that is out of reach', async () => {
    await load('first', 512)
    await load('second', 1024)
    const kept = await box.run(['babysit', '--target-free-mb', '1', '--once', '--json'])
    expect(kept.exitCode).toBe(0)
    expect(await loaded()).toEqual(['first', 'second'])

    const short = await box.run(['babysit', '--target-free-mb', MORE_THAN_ANY_MACHINE_MB, '--json'])
    expect(short.exitCode).toBe(1)
    expect(await loaded()).toEqual([])
    const lines = short.stdout
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as Record<string, unknown>)
    expect(lines.map(({ event }) => event)).toEqual(['start', 'unload', 'short', 'end'])
    expect(lines[1]).toMatchObject({ model: 'first', copies: 2 })
    expect(lines[3]).toMatchObject({ ending: 'target_not_reached', unloaded: 2 })
  })

  it.each(['SIGINT', 'SIGTERM'] as const)(
    'ends with 0 on %s, holds no connection meanwhile, and ends no process',
    async (name) => {
      await load('kept', 512)
      const child = box.start(['babysit', '--target-free-mb', '1', '--interval', '30s', '--json'])
      let stdout = ''
      child.stdout?.setEncoding('utf8').on('data', (text: string) => {
        stdout += text
      })
      await expect.poll(() => stdout).toContain('"start"')
      // This client's own connection is the only one while the watch waits.
      await expect.poll(async () => (await client.call('ps', null)).connections).toBe(1)
      const { pid } = await client.call('ps', null)
      child.kill(name)
      const [exitCode] = (await once(child, 'close')) as [number | null]
      expect(exitCode).toBe(0)
      expect(JSON.parse(stdout.trim().split('\n').at(-1) ?? '')).toMatchObject({ event: 'end', ending: 'stopped' })
      expect(await client.call('ps', null)).toMatchObject({ pid, models: [{ name: 'kept' }] })
    },
  )

  it('does not keep an idle host from ending, and goes on when it has ended', async () => {
    const own = sandbox()
    const paths = resolvePaths(own.env, process.platform)
    const loader = new EngineClient({ paths, env: own.env, idleExitMs: 1500 })
    const { pid } = await loader.call('ps', null)
    await loader.call('load', specOf(host as TestHost, { contextTokens: 512, sequences: 1, threads: 1 }))
    const child = own.start(['babysit', '--target-free-mb', '1', '--interval', '100ms', '--json'])
    try {
      await once(child.stdout ?? child, 'data')
      await loader.close()
      await expect.poll(() => isAlive(pid), { timeout: 15_000 }).toBe(false)
      expect(child.exitCode).toBeNull()
      child.kill('SIGTERM')
      expect(await once(child, 'close')).toEqual([0, null])
    } finally {
      child.kill('SIGKILL')
      await own.close()
    }
  })
})

function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0)
  } catch {
    return false
  }
}
