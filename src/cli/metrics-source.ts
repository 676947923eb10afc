/** The six figures as a running gateway tells them: read in a thread, and kept for a while. */
import { Worker } from 'node:worker_threads'
import { LRUCache } from 'lru-cache'
import { RouterError } from '../spec/errors.ts'
import type { MetricsReport, MetricsSource } from '../spec/metrics.ts'
import type { Costs } from '../spec/policy-costs.ts'
import { sinceMs } from './duration.ts'
import type { MetricsReply } from './metrics-worker.ts'
import type { MetricsOrder } from './read-metrics.ts'

export interface MetricsSettings {
  readonly stateDir: string
  /** Of the policy in force. */
  readonly costs: () => Costs
  /** Epoch milliseconds. */
  readonly nowMs: () => number
}

/** Every question reads the audit anew, in a thread of its own: answers that are under way do not wait. */
export function metricsSource({ stateDir, costs, nowMs }: MetricsSettings): MetricsSource {
  return async ({ since, task }) => {
    const untilMs = nowMs()
    return inThread({ stateDir, costs: costs(), sinceMs: momentOf(since, untilMs), untilMs, task })
  }
}

function inThread(order: MetricsOrder): Promise<MetricsReport> {
  // Beside this file, which is TypeScript in a checkout and JavaScript in the package.
  const file = new URL(import.meta.url.replace(/metrics-source(?=\.[jt]s$)/, 'metrics-worker'))
  return new Promise((resolve, reject) => {
    const worker = new Worker(file, { workerData: order })
    worker.unref()
    worker.once('message', (reply: MetricsReply) => {
      if ('report' in reply) resolve(reply.report)
      else reject(new RouterError(reply.failure.code, reply.failure.values))
    })
    worker.once('error', reject)
    // After a reply this changes nothing.
    worker.once('exit', (code) => reject(new Error(`the thread that reads metrics ended with ${code}`)))
  })
}

/** Who scrapes often must not keep the machine busy: reading takes at most a twentieth of the time of one core. */
const KEPT_TIMES_ITS_WORK = 20
const KEPT_QUESTIONS = 16

/** The same for a server: who asks what is being read already waits for it, and a figure that took long to read is kept for longer. */
export function keptMetrics(source: MetricsSource, monotonicMs: () => number): MetricsSource {
  const kept = new LRUCache<string, Promise<MetricsReport>>({
    max: KEPT_QUESTIONS,
    ttlResolution: 0,
    perf: { now: monotonicMs },
  })
  return (question) => {
    const key = JSON.stringify([question.since, question.task])
    const known = kept.get(key)
    if (known) return known
    const startedMs = monotonicMs()
    const report = source(question)
    kept.set(key, report)
    report.then(
      () => {
        const ttl = Math.max(1, Math.ceil((monotonicMs() - startedMs) * KEPT_TIMES_ITS_WORK))
        kept.set(key, report, { ttl })
      },
      () => kept.delete(key),
    )
    return report
  }
}

/** @throws RouterError request_invalid */
function momentOf(since: string, nowMs: number): number {
  try {
    return sinceMs(since, nowMs)
  } catch {
    throw new RouterError('request_invalid', {
      path: 'since',
      problem: `${JSON.stringify(since.slice(0, 40))} is neither a span nor a date`,
      fix: 'Write 30s, 15m, 24h, 7d or 2026-01-31.',
    })
  }
}
