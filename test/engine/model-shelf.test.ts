import { afterEach, describe, expect, it, vi } from 'vitest'
import { ModelShelf } from '../../src/models/embedded/model-shelf.ts'
import type { ModelSpec } from '../../src/models/embedded/protocol.ts'
import type { RunningModel } from '../../src/models/embedded/running-model.ts'
import { specAt } from './support.ts'

afterEach(() => {
  vi.useRealTimers()
})

/** A shelf on a machine of 1,000 bytes; every model takes the bytes that its name says, until it is disposed. */
function shelfOf1000() {
  const log: string[] = []
  let usedBytes = 0
  let nowMs = 0
  const needBytes = (spec: ModelSpec): number => Number(spec.name.replace(/\D/g, ''))
  const shelf = new ModelShelf({
    needBytes,
    availableMemory: () => 1000 - usedBytes,
    monotonicMs: () => ++nowMs,
    load: async (spec) => {
      await Promise.resolve()
      log.push(`load ${spec.name}`)
      usedBytes += needBytes(spec)
      return {
        threads: 1,
        loadMs: 0,
        needBytes: needBytes(spec),
        load: () => ({ active: 0, waiting: 0 }),
        dispose: async () => {
          log.push(`unload ${spec.name}`)
          await new Promise((resolve) => setImmediate(resolve))
          usedBytes -= needBytes(spec)
        },
      } as unknown as RunningModel
    },
  })
  return { shelf, log, names: () => shelf.rows().map(({ name }) => name) }
}

const spec = (name: string, changes: Partial<ModelSpec> = {}): ModelSpec =>
  specAt(`/models/${name}`, { name, digest: name, ...changes })

const nothing = async (): Promise<void> => undefined

describe('the models in memory', () => {
  it('give way to a load that does not fit, least recently used first and no more than are needed', async () => {
    const { shelf, log, names } = shelfOf1000()
    for (const name of ['a300', 'b300', 'c300']) await shelf.use(spec(name), nothing)
    await shelf.use(spec('a300'), nothing)
    await shelf.use(spec('d300'), nothing)
    expect(names()).toEqual(['a300', 'c300', 'd300'])
    expect(log.slice(3)).toEqual(['unload b300', 'load d300'])
  })

  it('stay while a request uses them', async () => {
    const { shelf, log, names } = shelfOf1000()
    const inUse = Promise.withResolvers<void>()
    const busy = shelf.use(spec('busy600'), () => inUse.promise)
    await vi.waitFor(() => expect(log).toEqual(['load busy600']))
    await shelf.use(spec('idle300'), nothing)
    await expect(shelf.use(spec('new500'), nothing)).rejects.toMatchObject({ code: 'memory_no_fit' })
    expect(names()).toEqual(['busy600', 'idle300'])
    inUse.resolve()
    await busy
    await shelf.use(spec('new500'), nothing)
    expect(names()).toEqual(['new500'])
  })

  it('are not given up for a load that could not fit anyway', async () => {
    const { shelf, names } = shelfOf1000()
    await shelf.use(spec('a300'), nothing)
    await expect(shelf.use(spec('huge2000'), nothing)).rejects.toMatchObject({ code: 'memory_no_fit' })
    expect(names()).toEqual(['a300'])
  })

  it('keep under the cap of the policy, and leave the memory that it wants free', async () => {
    const { shelf, names } = shelfOf1000()
    const capped = { memory: { maxLocalBytes: 500, keepFreeBytes: 0 } }
    await shelf.use(spec('a300', capped), nothing)
    await shelf.use(spec('b300', capped), nothing)
    expect(names()).toEqual(['b300'])
    await expect(shelf.use(spec('c600', capped), nothing)).rejects.toThrow(
      'Model c600 needs about 1 MB and 1 MB are free',
    )
    const polite = { memory: { maxLocalBytes: null, keepFreeBytes: 500 } }
    await shelf.use(spec('d400', polite), nothing)
    expect(names()).toEqual(['d400'])
  })

  it('are loaded anew for a request that comes while they are being unloaded', async () => {
    const { shelf, log } = shelfOf1000()
    await shelf.use(spec('a600'), nothing)
    const unloaded = shelf.unload('a600')
    const used = shelf.use(spec('a600'), async (running) => running.needBytes)
    expect(await unloaded).toBe(1)
    expect(await used).toBe(600)
    expect(log).toEqual(['load a600', 'unload a600', 'load a600'])
  })

  it('are never unloaded between the request and its work', async () => {
    const { shelf, log } = shelfOf1000()
    await shelf.use(spec('a300'), nothing)
    const used = shelf.use(spec('a300'), async () => log.push('work'))
    expect(await shelf.unload('a300')).toBe(0)
    await used
    expect(log).toEqual(['load a300', 'work'])
  })

  it('are unloaded when idle for their time, however long it is, and never when the policy says never', async () => {
    vi.useFakeTimers()
    const { shelf, names } = shelfOf1000()
    await shelf.use(spec('short100', { idleUnloadMs: 1000 }), nothing)
    await shelf.use(spec('month100', { idleUnloadMs: 30 * 24 * 3_600_000 }), nothing)
    await shelf.use(spec('never100', { idleUnloadMs: null }), nothing)
    await vi.advanceTimersByTimeAsync(1000)
    expect(names()).toEqual(['month100', 'never100'])
    await vi.advanceTimersByTimeAsync(40 * 24 * 3_600_000)
    expect(names()).toEqual(['never100'])
  })
})
