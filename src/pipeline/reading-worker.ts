/** The thread that reads long texts, so that no other request waits meanwhile. */
import { parentPort } from 'node:worker_threads'
import { type ReadingOrder, readTexts, type TextReading } from '../classify/long-texts.ts'

/** The terms of a policy are many; they come once. */
export interface ReadingRequest extends Omit<ReadingOrder, 'hardStops'> {
  readonly id: number
  /** Absent when they are those of the order before. */
  readonly hardStops?: ReadingOrder['hardStops']
}

/** `readings` is null when reading failed: whoever asked reads by itself, and sees why. */
export interface ReadingReply {
  readonly id: number
  readonly readings: readonly TextReading[] | null
}

let hardStops: ReadingOrder['hardStops'] | null = null

function answer({ id, ...order }: ReadingRequest): ReadingReply {
  hardStops = order.hardStops ?? hardStops
  try {
    return { id, readings: hardStops && readTexts({ ...order, hardStops }) }
  } catch {
    return { id, readings: null }
  }
}

parentPort?.on('message', (request: ReadingRequest) => parentPort?.postMessage(answer(request)))
