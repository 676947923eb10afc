/** Has long texts read in a thread of its own, which is there only while there are some. */
import { Worker } from 'node:worker_threads'
import type { LeavingText } from '../classify/leaving.ts'
import {
  keepReadings,
  type ReadingOrder,
  type TextReading,
  unreadForPrivate,
  unreadTexts,
} from '../classify/long-texts.ts'
import type { LoadedPolicy } from '../spec/policy.ts'
import type { PrivateKind } from '../spec/private-kinds.ts'
import type { RouterRequest } from '../spec/request.ts'
import { partSteps } from './parted.ts'
import type { ReadingReply, ReadingRequest } from './reading-worker.ts'

export interface TextReader {
  /** Resolves once what the order asks for is remembered. Never rejects: what could not be read here is read where it is needed. */
  read(order: ReadingOrder): Promise<void>
  close(): Promise<void>
}

/** Then the thread ends and gives its memory back; a new one is there within a tenth of a second. */
const IDLE_MS = 30_000

interface ReadingDeps {
  readonly loaded: LoadedPolicy
  readonly textReader?: TextReader
}

type Take = (readings: readonly TextReading[] | null) => void

interface Thread {
  readonly worker: Worker
  readonly waiting: Map<number, Take>
  hardStops: ReadingOrder['hardStops'] | null
}

export function createTextReader(): TextReader {
  let thread: Thread | null = null
  let lastId = 0
  let idle: NodeJS.Timeout | null = null
  const end = async (ended: Thread | null): Promise<void> => {
    if (thread === ended) thread = null
    for (const take of ended?.waiting.values() ?? []) take(null)
    ended?.waiting.clear()
    await ended?.worker.terminate()
  }
  const endWhenIdle = (): void => {
    if (idle) clearTimeout(idle)
    idle = setTimeout(() => {
      if (thread?.waiting.size === 0) void end(thread)
    }, IDLE_MS).unref()
  }
  return {
    async read(order) {
      const current = thread ?? startThread((broken) => void end(broken))
      thread = current
      const { hardStops, ...rest } = order
      const isKnown = current.hardStops === hardStops
      current.hardStops = hardStops
      const id = ++lastId
      const readings = await new Promise<readonly TextReading[] | null>((take) => {
        current.waiting.set(id, take)
        current.worker.ref()
        const request: ReadingRequest = { id, ...rest, ...(!isKnown && { hardStops }) }
        current.worker.postMessage(request)
      })
      endWhenIdle()
      if (readings) keepReadings(order, readings)
    },
    async close() {
      if (idle) clearTimeout(idle)
      await end(thread)
    },
  }
}

function startThread(onBroken: (thread: Thread) => void): Thread {
  // Beside this file, which is TypeScript in a checkout and JavaScript in the package.
  const file = new URL(import.meta.url.replace(/reading-thread(?=\.[jt]s$)/, 'reading-worker'))
  const worker = new Worker(file)
  const thread: Thread = { worker, waiting: new Map(), hardStops: null }
  worker.unref()
  worker.on('message', ({ id, readings }: ReadingReply) => {
    thread.waiting.get(id)?.(readings)
    thread.waiting.delete(id)
    // A program may end while nobody waits.
    if (thread.waiting.size === 0) worker.unref()
  })
  worker.on('error', () => onBroken(thread))
  return thread
}

/** Most requests hold no long text, and then nobody waits. */
export async function readLongTexts(request: RouterRequest, { textReader, loaded }: ReadingDeps): Promise<void> {
  await partSteps(request)
  const order = textReader && unreadTexts(request, loaded.policy)
  await partSteps(request)
  if (!order) return
  await textReader.read(order)
  await partSteps(request)
}

/** Before `findPrivate` is asked about texts that may be long. */
export async function readForPrivate(
  texts: readonly (string | LeavingText)[],
  kinds: readonly PrivateKind[],
  { textReader, loaded }: ReadingDeps,
): Promise<void> {
  const order = textReader && unreadForPrivate(texts, kinds, loaded.policy)
  if (order) await textReader.read(order)
}
