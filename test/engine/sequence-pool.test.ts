import { describe, expect, it } from 'vitest'
import { SequencePool } from '../../src/models/embedded/sequence-pool.ts'

const PATIENT = new AbortController().signal

/** A piece of work that ends when told to. */
function held() {
  const { promise, resolve } = Promise.withResolvers<void>()
  return { work: () => promise, end: resolve }
}

describe('the sequences of a model', () => {
  it('are given to one request at a time, and freed when it fails', async () => {
    const pool = new SequencePool('small', ['only'])
    const users: string[] = []
    const first = held()
    const running = pool.use([1], PATIENT, async (sequence) => {
      users.push(sequence)
      await first.work()
      throw new Error('broken')
    })
    const next = pool.use([2], PATIENT, async (sequence) => void users.push(sequence))
    expect([pool.active, pool.waiting]).toEqual([1, 1])
    first.end()
    await expect(running).rejects.toThrow('broken')
    await next
    expect([pool.active, pool.waiting, users.length]).toEqual([0, 0, 2])
  })

  it('go to the request whose prompt they hold the longest part of', async () => {
    const pool = new SequencePool('small', ['a', 'b'])
    const used: string[] = []
    const read = (prompt: readonly number[]) => pool.use(prompt, PATIENT, async (sequence) => void used.push(sequence))
    await Promise.all([read([1, 2, 3]), read([7, 8, 9])])
    await read([7, 8, 5])
    await read([1, 2, 4])
    expect(used).toEqual(['a', 'b', 'b', 'a'])
  })

  it('serve interactive requests before background ones, each kind in its order', async () => {
    const pool = new SequencePool('small', ['only'])
    const order: string[] = []
    const first = held()
    const running = pool.use([], PATIENT, first.work)
    const ask = (name: string, priority: 'interactive' | 'background') =>
      pool.at(priority).use([], PATIENT, async () => void order.push(name))
    const waiting = [
      ask('shadow 1', 'background'),
      ask('caller 1', 'interactive'),
      ask('shadow 2', 'background'),
      ask('caller 2', 'interactive'),
    ]
    first.end()
    await Promise.all([running, ...waiting])
    expect(order).toEqual(['caller 1', 'caller 2', 'shadow 1', 'shadow 2'])
  })

  it('refuse at once when 256 requests wait', async () => {
    const pool = new SequencePool('small', ['only'])
    const first = held()
    const running = pool.use([], PATIENT, first.work)
    const waiting = Array.from({ length: 256 }, () => pool.use([], PATIENT, async () => undefined))
    await expect(pool.use([], PATIENT, async () => undefined)).rejects.toMatchObject({
      code: 'model_busy',
      message: 'Model small has 256 requests waiting already.',
    })
    first.end()
    await Promise.all([running, ...waiting])
  })

  it('are not waited for any longer when the request is cancelled', async () => {
    const pool = new SequencePool('small', ['only'])
    const first = held()
    const running = pool.use([], PATIENT, first.work)
    const abort = new AbortController()
    const waiting = pool.use([], abort.signal, async () => undefined)
    abort.abort(new Error('gone'))
    await expect(waiting).rejects.toThrow('gone')
    expect(pool.waiting).toBe(0)
    first.end()
    await running
  })
})
