/** Streams of providers, broken at random in ways that networks, proxies and providers break them; the same for a seed. */
import { createAnthropicModel } from '../../src/models/anthropic.ts'
import { createOpenAiCompatibleModel } from '../../src/models/openai-compatible.ts'
import { RouterError } from '../../src/spec/errors.ts'
import { memoryDispatcher } from './memory-dispatcher.ts'
import { type Ended, run, userCall } from './model-calls.ts'
import {
  framesIn,
  holdsTerminal,
  type KnownStreamRow,
  nameOf,
  ownStreams,
  streamRows,
  type WireDialect,
} from './provider-streams.ts'

/** What was found wrong; empty means nothing was. */
export interface FuzzReport {
  readonly rounds: number
  readonly seed: number
  /** How the answers ended: `complete`, or the code of the error. */
  readonly ends: Readonly<Record<string, number>>
  readonly problems: readonly string[]
}

/**
 * Feeds mutated streams to the adapters.
 *
 * @param rounds mutated streams
 * @param seed any integer; equal seeds make equal streams
 * @param onAnswer hears what each answer took of the processor, in milliseconds: nothing is waited for in between
 */
export async function fuzzStreams(
  rounds: number,
  seed: number,
  onAnswer: (ms: number) => void = () => {},
): Promise<FuzzReport> {
  const random = seededRandom(seed)
  const rows = [...ownStreams(), ...streamRows('provider_streams_dev.jsonl'), ...streamRows('stream_faults_dev.jsonl')]
  const ends: Record<string, number> = {}
  const problems: string[] = []
  const note = (problem: string): void => void (problems.length < 20 && problems.push(problem))
  for (let round = 0; round < rounds; round += 1) {
    const { row, bytes, done } = mutated(rows, random)
    const name = `round ${round} of seed ${seed}, ${nameOf(row)} (${done.join(', ')})`
    try {
      const pieces = cutRandomly(bytes, random)
      const before = process.threadCpuUsage()
      const ended = await answer(row.dialect, pieces)
      const { user, system } = process.threadCpuUsage(before)
      onAnswer((user + system) / 1000)
      const end = ended.error?.code ?? 'complete'
      ends[end] = (ends[end] ?? 0) + 1
      for (const fault of faultsOf(ended, row.dialect, bytes)) note(`${name}: ${fault}`)
    } catch (error) {
      note(`${name}: threw ${error instanceof Error ? error.name : typeof error}, which is no RouterError`)
    }
  }
  return { rounds, seed, ends, problems }
}

/** Errors that say what a stream did; anything else blames the wrong party. */
const STREAM_ERRORS: ReadonlySet<string> = new Set([
  'model_malformed',
  'model_incomplete',
  'model_failed',
  'model_rate_limited',
])

function faultsOf({ error, events }: Ended, dialect: WireDialect, bytes: Uint8Array): readonly string[] {
  const finishes = events.filter(({ type }) => type === 'finish')
  const last = events.at(-1)
  const usage = last?.type === 'finish' ? last.usage : null
  const counts = usage ? [usage.inputTokens, usage.outputTokens] : []
  return [
    ...(error && !(error instanceof RouterError && STREAM_ERRORS.has(error.code)) ? [`ended with ${error.code}`] : []),
    ...(error && finishes.length > 0 ? ['finished, and failed then'] : []),
    ...(!error && last?.type !== 'finish' ? ['neither finished nor failed'] : []),
    ...(finishes.length > 1 ? ['finished twice'] : []),
    ...(!error && !holdsTerminal(dialect, bytes) ? ['complete without the terminal event'] : []),
    ...(counts.some((count) => !Number.isSafeInteger(count) || count < 0) ? ['counts no tokens'] : []),
  ]
}

/** One chunking of a stream through the adapter of its dialect. */
export function answer(dialect: WireDialect, pieces: readonly Uint8Array[]): Promise<Ended> {
  const dispatcher = memoryDispatcher({ headers: { 'content-type': 'text/event-stream' }, pieces })
  const settings = { name: 'cloud', apiKey: 'k', model: 'm-1', maxOutputTokens: 100, dispatcher }
  const model =
    dialect === 'anthropic'
      ? createAnthropicModel({ ...settings, baseUrl: 'http://cloud.test' })
      : createOpenAiCompatibleModel({ ...settings, baseUrl: 'http://cloud.test/v1' })
  return run(model, userCall('hello'))
}

export type Random = () => number

/** Uniform in [0, 1); mulberry32. */
export function seededRandom(seed: number): Random {
  let state = seed >>> 0
  return () => {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296
  }
}

export function cutRandomly(bytes: Uint8Array, random: Random): Uint8Array[] {
  const longest = [1, 3, 17, 200, 5000, bytes.length][whole(random, 6)] ?? 1
  const pieces: Uint8Array[] = []
  // Byte by byte is covered for short streams; long ones would only take long.
  const least = Math.ceil(bytes.length / 3000)
  for (let at = 0; at < bytes.length; ) {
    const size = Math.max(least, 1 + whole(random, longest))
    pieces.push(bytes.subarray(at, at + size))
    at += size
  }
  return pieces
}

interface Mutated {
  readonly row: KnownStreamRow
  readonly bytes: Uint8Array
  /** Names of the mutations, in order. */
  readonly done: readonly string[]
}

function mutated(rows: readonly KnownStreamRow[], random: Random): Mutated {
  const row = pick(rows, random)
  // Nearly all long streams repeat one kind of frame.
  let frames = framesIn(row.text).slice(0, 120)
  const done: string[] = []
  for (let left = 1 + whole(random, 3); left > 0; left -= 1) {
    const [name, change] = pick(FRAME_MUTATIONS, random)
    frames = change(frames, random, rows)
    done.push(name)
  }
  let bytes: Uint8Array = Buffer.from(frames.join(''))
  if (random() < 0.6) {
    const [name, change] = pick(BYTE_MUTATIONS, random)
    bytes = change(bytes, random)
    done.push(name)
  }
  return { row, bytes, done }
}

type FrameMutation = (frames: readonly string[], random: Random, rows: readonly KnownStreamRow[]) => string[]

const FRAME_MUTATIONS: readonly (readonly [string, FrameMutation])[] = [
  ['truncate', (frames, random) => frames.slice(0, whole(random, frames.length + 1))],
  ['lose the beginning', (frames, random) => frames.slice(whole(random, frames.length))],
  ['drop', (frames, random) => without(frames, whole(random, frames.length))],
  ['duplicate', (frames, random) => frames.flatMap((frame) => (random() < 0.2 ? [frame, frame] : [frame]))],
  ['swap', (frames, random) => swapped(frames, whole(random, frames.length), whole(random, frames.length))],
  ['reverse', (frames) => [...frames].reverse()],
  ['glue', (frames, random, rows) => [...frames, ...framesIn(pick(rows, random).text).slice(0, 120)]],
  [
    'interleave',
    (frames, random, rows) => interleaved(frames, framesIn(pick(rows, random).text).slice(0, 120), random),
  ],
  ['lose line ends', (frames, random) => frames.map((frame) => (random() < 0.2 ? frame.trimEnd() : frame))],
  [
    'other line ends',
    (frames, random) => frames.map((frame) => frame.replaceAll('\n', pick(['\r', '\r\n', '\n\n'], random))),
  ],
  ['nulls', (frames, random) => values(frames, random, 'null')],
  [
    'giant numbers',
    (frames, random) => values(frames, random, pick(['1e308', '-1e308', '9007199254740993', '1e999'], random)),
  ],
  ['lists', (frames, random) => values(frames, random, '[[[[[]]]]]')],
  ['deep', (frames, random) => values(frames, random, '['.repeat(2000) + ']'.repeat(2000))],
  [
    'prototype',
    (frames, random) =>
      frames.map((frame) => (random() < 0.3 ? frame.replace('{', '{"__proto__":{"error":1},"constructor":1,') : frame)),
  ],
  ['comments', (frames, random) => frames.flatMap((frame) => (random() < 0.5 ? [': ping\n\n', frame] : [frame]))],
  [
    'rename',
    (frames, random) => frames.map((frame) => (random() < 0.2 ? frame.replace(/event: \w+/, 'event: error') : frame)),
  ],
  ['stop early', (frames, random) => [...frames.slice(0, whole(random, frames.length)), 'data: [DONE]\n\n']],
]

type ByteMutation = (bytes: Uint8Array, random: Random) => Uint8Array

const BYTE_MUTATIONS: readonly (readonly [string, ByteMutation])[] = [
  ['cut', (bytes, random) => bytes.subarray(0, whole(random, bytes.length + 1))],
  ['flip', (bytes, random) => flipped(bytes, random, 1 + whole(random, 8))],
  [
    'half a character',
    (bytes, random) => spliced(bytes, whole(random, bytes.length + 1), 0, Buffer.from([0xe4, 0xb8])),
  ],
  [
    'no UTF-8',
    (bytes, random) => spliced(bytes, whole(random, bytes.length + 1), 0, Buffer.from([0xff, 0xfe, 0xc0, 0x80])),
  ],
  [
    'zero bytes',
    (bytes, random) => spliced(bytes, whole(random, bytes.length + 1), 0, Buffer.alloc(1 + whole(random, 20))),
  ],
  ['hole', (bytes, random) => spliced(bytes, whole(random, bytes.length + 1), whole(random, 300), Buffer.alloc(0))],
  ['byte order marks', (bytes) => Buffer.concat([Buffer.from('\ufeff\ufeff'), bytes])],
  ['page behind', (bytes) => Buffer.concat([bytes, Buffer.from('<html>502</html>')])],
]

/** Some JSON values of some frames become another. */
function values(frames: readonly string[], random: Random, value: string): string[] {
  return frames.map((frame) =>
    frame.replace(/(":)("(?:[^"\\]|\\.)*"|-?\d[\d.eE+-]*|null|true|false)/g, (all, colon: string) =>
      random() < 0.1 ? `${colon}${value}` : all,
    ),
  )
}

function without(frames: readonly string[], index: number): string[] {
  return frames.filter((_frame, at) => at !== index)
}

function swapped(frames: readonly string[], a: number, b: number): string[] {
  return frames.map((frame, at) => (at === a ? frames[b] : at === b ? frames[a] : frame) ?? '')
}

function interleaved(left: readonly string[], right: readonly string[], random: Random): string[] {
  const queues = [[...left], [...right]]
  const all: string[] = []
  while (queues.some((queue) => queue.length > 0)) {
    const next = queues[whole(random, 2)]?.shift()
    if (next !== undefined) all.push(next)
  }
  return all
}

function flipped(bytes: Uint8Array, random: Random, times: number): Uint8Array {
  const copy = Buffer.from(bytes)
  for (let left = times; left > 0 && copy.length > 0; left -= 1) {
    const at = whole(random, copy.length)
    copy[at] = (copy[at] ?? 0) ^ (1 << whole(random, 8))
  }
  return copy
}

function spliced(bytes: Uint8Array, at: number, remove: number, insert: Uint8Array): Uint8Array {
  return Buffer.concat([bytes.subarray(0, at), insert, bytes.subarray(at + remove)])
}

/** 0 to `below` - 1; 0 when there is nothing to choose from. */
function whole(random: Random, below: number): number {
  return Math.floor(random() * Math.max(1, below))
}

function pick<T>(from: readonly T[], random: Random): T {
  const found = from[whole(random, from.length)]
  if (found === undefined) throw new Error('there is nothing to choose from')
  return found
}
