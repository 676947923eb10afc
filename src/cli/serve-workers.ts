/**
 * `serve --workers N`: several processes behind one port. This one answers nothing: it starts them, replaces those that end,
 * and changes them one by one on SIGHUP. They share the state directory, and with it keys, budgets, limits, records, the kill
 * switch and the engine, whose weights are loaded once.
 */
import cluster, { type Worker } from 'node:cluster'
import { once } from 'node:events'
import { rmSync } from 'node:fs'
import { type AddressInfo, createServer } from 'node:net'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { resolvePaths } from '../models/paths.ts'
import { systemClock } from '../pipeline/clock.ts'
import type { CliContext } from './context.ts'
import { ExitCode } from './failure.ts'
import { WORKER_ENV, type WorkerOrder, type WorkerReady } from './worker-life.ts'

/** Doubles with each worker that does not live for a minute. */
const FIRST_WAIT_MS = 250
const MOST_WAIT_MS = 30_000
const LIVES_MS = 60_000

export interface WorkersPlan {
  readonly count: number
  readonly host: string
  /** 0 picks a free one, the same for all workers. */
  readonly port: number
}

/** @throws ExitCode of the first worker when it cannot start; it has said why */
export async function serveWithWorkers(
  plan: WorkersPlan,
  context: CliContext,
  started: (ready: WorkerReady) => void,
): Promise<void> {
  const pool = createPool({ ...plan, port: plan.port === 0 ? await freePort(plan.host) : plan.port }, context)
  const { stateDir } = resolvePaths(context.env, process.platform)
  const turnOver = (): void => void pool.turnOver()
  process.on('SIGHUP', turnOver)
  try {
    const ready = await pool.open()
    started(ready)
    if (!context.signal.aborted) await once(context.signal, 'abort')
    context.terminal.say('Stopping: requests under way are finished first.')
  } finally {
    process.off('SIGHUP', turnOver)
    await pool.close()
    // Each worker leaves it to the others.
    rmSync(join(stateDir, 'server.json'), { force: true })
  }
}

/** Chosen here, because workers that come later are to find the port of those before them. */
async function freePort(host: string): Promise<number> {
  const server = createServer()
  server.listen(0, host)
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  server.close()
  await once(server, 'close')
  return port
}

interface Pool {
  open(): Promise<WorkerReady>
  /** A new process in the place of each, one after the other: no connection is refused and no answer is broken off. */
  turnOver(): Promise<void>
  close(): Promise<void>
}

function createPool({ count, port }: WorkersPlan, { terminal, env, signal }: CliContext): Pool {
  const running = new Set<Worker>()
  const leaving = new WeakSet<Worker>()
  const ending = new Set<Promise<unknown>>()
  let waitMs = FIRST_WAIT_MS
  let isTurning = false
  const isStopping = (): boolean => signal.aborted
  cluster.setupPrimary({ args: [...process.argv.slice(2), '--port', String(port)] })

  const begin = async (): Promise<WorkerReady> => {
    const worker = cluster.fork({ ...env, ...WORKER_ENV })
    const startedMs = systemClock.monotonicMs()
    running.add(worker)
    const exit = once(worker, 'exit').then(([code]) => {
      running.delete(worker)
      return code as number | null
    })
    ending.add(exit)
    void exit.then(() => ending.delete(exit))
    const ready = await firstOf(worker, exit)
    void exit.then((code) => {
      if (systemClock.monotonicMs() - startedMs >= LIVES_MS) waitMs = FIRST_WAIT_MS
      if (isStopping() || leaving.has(worker)) return
      terminal.say(
        `Worker ${worker.process.pid} ended (${code ?? worker.process.signalCode}); another takes its place.`,
      )
      void replace()
    })
    if (isStopping()) order(worker, 'stop')
    return ready
  }

  /** Never gives up: whoever runs a server wants it to come back once its machine can carry it again. */
  const replace = async (): Promise<void> => {
    while (!isStopping()) {
      await delay(waitMs, undefined, { signal }).catch(() => undefined)
      waitMs = Math.min(MOST_WAIT_MS, waitMs * 2)
      if (isStopping()) return
      try {
        await begin()
        return
      } catch {
        terminal.say(`A worker did not start; the next try follows in ${Math.round(waitMs / 1000)} s.`)
      }
    }
  }

  return {
    async open() {
      // Alone: it makes what all share, and what stops it stops all.
      const ready = await begin()
      const others = Array.from({ length: count - 1 }, () => begin().then(() => undefined, replace))
      void Promise.all(others).then(() => isStopping() || terminal.say(`All ${count} workers are ready.`))
      return ready
    },
    async turnOver() {
      if (isTurning || isStopping()) return
      isTurning = true
      try {
        for (const worker of [...running]) {
          if (isStopping()) return
          await begin()
          leaving.add(worker)
          const gone = worker.isDead() ? null : once(worker, 'exit')
          order(worker, 'hand_over')
          await gone
        }
        terminal.say(`All ${count} workers are new.`)
      } catch {
        terminal.say('A new worker did not start, so the others stay. It has said why.')
      } finally {
        isTurning = false
      }
    },
    async close() {
      for (const worker of running) order(worker, 'stop')
      await Promise.all([...ending])
    },
  }
}

/** @throws ExitCode when it ends before it is ready */
async function firstOf(worker: Worker, exit: Promise<number | null>): Promise<WorkerReady> {
  const { promise, resolve, reject } = Promise.withResolvers<WorkerReady>()
  worker.on('message', (message: WorkerReady | null) => {
    if (message?.type === 'ready') resolve(message)
  })
  void exit.then((code) => reject(new ExitCode(code ?? 1)))
  return await promise
}

function order(worker: Worker, what: WorkerOrder): void {
  if (worker.isConnected()) worker.send(what)
}
