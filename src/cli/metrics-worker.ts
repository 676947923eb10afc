/** The thread in which a gateway reads its figures: it is started for one report and ends with it. */
import { parentPort, workerData } from 'node:worker_threads'
import { type ErrorCode, type ErrorValues, toRouterError } from '../spec/errors.ts'
import type { MetricsReport } from '../spec/metrics.ts'
import { type MetricsOrder, readMetrics } from './read-metrics.ts'

export type MetricsReply =
  | { readonly report: MetricsReport }
  | { readonly failure: { readonly code: ErrorCode; readonly values: ErrorValues } }

function reply(order: MetricsOrder): MetricsReply {
  try {
    return { report: readMetrics(order) }
  } catch (error) {
    const { code, values } = toRouterError(error)
    return { failure: { code, values } }
  }
}

parentPort?.postMessage(reply(workerData as MetricsOrder))
