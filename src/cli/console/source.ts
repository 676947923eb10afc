/** What the pages of the console are read from: threads for what is quick, for windows of the audit, and for evidence of tasks. */
import { Worker } from 'node:worker_threads'
import { LRUCache } from 'lru-cache'
import type { ConsoleQuestion, ConsoleReport, ConsoleSource, LiveFeed } from '../../spec/console.ts'
import { RouterError } from '../../spec/errors.ts'
import type { LoadedPolicy } from '../../spec/policy.ts'
import type { ConsoleOrder, ConsoleReply } from './worker.ts'

export interface ConsoleSettings {
  readonly stateDir: string
  /** In force now. */
  readonly loaded: () => LoadedPolicy
  /** Why the policy file as it stands is not in force; null when it is. */
  readonly policyProblem: () => string | null
  readonly live: LiveFeed
  readonly clock: { epochMs(): number; monotonicMs(): number }
}

/** They read as many records as the window holds, so they wait for each other, and are kept. */
const THROUGH_THE_AUDIT: ReadonlySet<ConsoleReport> = new Set(['overview', 'review', 'tasks', 'costs', 'models'])

/** Who leaves a page open must not keep the machine busy: reading takes at most a tenth of the time of one core. */
const KEPT_TIMES_ITS_WORK = 10
/** Shorter than the pages ask again, so that what was quick to read is always fresh. */
const LEAST_KEPT_MS = 1000
const KEPT_REPORTS = 32

export function openConsole(settings: ConsoleSettings): ConsoleSource {
  const { live, clock, stateDir, loaded, policyProblem } = settings
  const quick = openThread({ stateDir, loaded, clock })
  const slow = openThread({ stateDir, loaded, clock })
  // Evidence goes back to the last move of a task, which may be months: nobody else shall wait for it.
  const evidence = openThread({ stateDir, loaded, clock })
  const kept = new LRUCache<string, Promise<unknown>>({
    max: KEPT_REPORTS,
    ttlResolution: 0,
    perf: { now: clock.monotonicMs },
  })
  return {
    live,
    read(question) {
      const { report, values, reader } = question
      if (report === 'policy') return quick.ask({ question: withProblem(question, policyProblem()) })
      if (!THROUGH_THE_AUDIT.has(report)) return quick.ask({ question })
      const key = JSON.stringify([report, Object.entries(values).sort(), reader.tenants, loaded().digest])
      const known = kept.get(key)
      if (known) return known
      const startedMs = clock.monotonicMs()
      const told = (report === 'tasks' ? evidence : slow).ask({ question })
      kept.set(key, told)
      told.then(
        () => {
          const ttl = Math.max(LEAST_KEPT_MS, Math.ceil((clock.monotonicMs() - startedMs) * KEPT_TIMES_ITS_WORK))
          if (kept.peek(key) === told) kept.set(key, told, { ttl })
        },
        () => kept.delete(key),
      )
      return told
    },
    async move(wanted) {
      const told = await evidence.ask({ move: wanted })
      kept.clear()
      return told
    },
    async close() {
      await Promise.all([quick.close(), slow.close(), evidence.close()])
    },
  }
}

function withProblem(question: ConsoleQuestion, problem: string | null): ConsoleQuestion {
  return problem === null ? question : { ...question, values: { ...question.values, problem } }
}

interface Thread {
  ask(order: Pick<ConsoleOrder, 'question' | 'move'>): Promise<unknown>
  close(): Promise<void>
}

interface Waiting {
  readonly resolve: (told: unknown) => void
  readonly reject: (error: unknown) => void
}

/** Started when it is first asked, and kept; it keeps no process from ending. */
function openThread({ stateDir, loaded, clock }: Pick<ConsoleSettings, 'stateDir' | 'loaded' | 'clock'>): Thread {
  const waiting = new Map<number, Waiting>()
  let worker: Worker | null = null
  let lastId = 0
  let told = ''
  const fail = (error: unknown): void => {
    worker = null
    told = ''
    for (const { reject } of waiting.values()) reject(error)
    waiting.clear()
  }
  const start = (): Worker => {
    // Beside this file, which is TypeScript in a checkout and JavaScript in the package.
    const own = new Worker(new URL(import.meta.url.replace(/source(?=\.[jt]s$)/, 'worker')))
    own.unref()
    own.on('message', (reply: ConsoleReply) => {
      const one = waiting.get(reply.id)
      waiting.delete(reply.id)
      if ('told' in reply) one?.resolve(reply.told)
      else one?.reject(new RouterError(reply.failure.code, reply.failure.values))
    })
    own.on('error', fail)
    own.on('exit', (code) => fail(new Error(`the thread of the console ended with ${code}`)))
    return own
  }
  return {
    ask(order) {
      worker ??= start()
      lastId += 1
      const id = lastId
      const policy = loaded()
      const news = policy.digest === told ? {} : { loaded: policy }
      told = policy.digest
      const answer = new Promise<unknown>((resolve, reject) => waiting.set(id, { resolve, reject }))
      worker.postMessage({ id, stateDir, nowMs: clock.epochMs(), ...news, ...order } satisfies ConsoleOrder)
      return answer
    },
    async close() {
      const own = worker
      if (!own) return
      own.removeAllListeners('exit')
      await own.terminate()
      fail(new RouterError('shutting_down'))
    },
  }
}
