/** A thread that reads reports for the console, one after the other. */
import { parentPort } from 'node:worker_threads'
import type { ConsoleQuestion, WantedMove } from '../../spec/console.ts'
import { type ErrorCode, type ErrorValues, RouterError, toRouterError } from '../../spec/errors.ts'
import type { LoadedPolicy } from '../../spec/policy.ts'
import { stageNamed } from './move.ts'
import { REPORTS } from './report.ts'

/** The policy comes with the first order under it, and when it has changed. */
export interface ConsoleOrder {
  readonly id: number
  readonly stateDir: string
  readonly loaded?: LoadedPolicy
  /** Epoch milliseconds. */
  readonly nowMs: number
  readonly question?: ConsoleQuestion
  readonly move?: WantedMove
}

export type ConsoleReply =
  | { readonly id: number; readonly told: unknown }
  | { readonly id: number; readonly failure: { readonly code: ErrorCode; readonly values: ErrorValues } }

let inForce: LoadedPolicy | null = null

function reply(order: ConsoleOrder): ConsoleReply {
  const { id } = order
  try {
    inForce = order.loaded ?? inForce
    return { id, told: toldOf(order) }
  } catch (error) {
    const { code, values } = toRouterError(error)
    return { id, failure: { code, values } }
  }
}

function toldOf({ stateDir, nowMs, question, move }: ConsoleOrder): unknown {
  const loaded = inForce
  if (!loaded) throw new RouterError('internal', { problem: 'the console has no policy yet' })
  if (move) return stageNamed(move, { loaded, stateDir, nowMs })
  if (!question) return null
  const { report, values, reader } = question
  return REPORTS[report]({ stateDir, loaded, env: process.env, nowMs, reader, values })
}

parentPort?.on('message', (order: ConsoleOrder) => parentPort?.postMessage(reply(order)))
