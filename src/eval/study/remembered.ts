/** A local model whose answers are kept: every condition of the study meets the same draft, and it is paid for once. */
import { createHash } from 'node:crypto'
import { appendFileSync, existsSync, mkdirSync, readFileSync } from 'node:fs'
import { dirname } from 'node:path'
import type { CallLimits, ModelCall, ModelEvent, ModelPort } from '../../spec/ports.ts'
import { asking } from './asking.ts'

/** Milliseconds since the call began, and what came then. */
type Heard = readonly [ms: number, event: ModelEvent]
type Kept = { readonly ms: number; readonly result: unknown } | { readonly events: readonly Heard[] }

export interface Memory {
  find(key: string): Kept | null
  keep(key: string, kept: Kept): void
}

/** @param file null keeps for this process alone; a line that a crash cut off is asked again */
export function openMemory(file: string | null): Memory {
  const known = new Map<string, Kept>()
  if (file !== null) {
    mkdirSync(dirname(file), { recursive: true })
    for (const line of existsSync(file) ? readFileSync(file, 'utf8').split('\n') : []) {
      const entry = parsed(line)
      if (entry) known.set(entry.key, entry.kept)
    }
  }
  return {
    find: (key) => known.get(key) ?? null,
    keep(key, kept) {
      known.set(key, kept)
      if (file !== null) appendFileSync(file, `${JSON.stringify({ key, kept })}\n`, { mode: 0o600 })
    },
  }
}

function parsed(line: string): { readonly key: string; readonly kept: Kept } | null {
  try {
    return JSON.parse(line) as { readonly key: string; readonly kept: Kept }
  } catch {
    return null
  }
}

/**
 * @param sharedHead one name for the heads of tasks that share their examples, so that they share answers
 * @returns the port; only answers that came to their end are kept, and failures never are
 */
export function remembered(port: ModelPort, memory: Memory, sharedHead: (head: string) => string): ModelPort {
  const { decide, compare, extract, embed, writeJson } = port
  const shared = <Call extends { readonly head?: string }>(call: Call): unknown =>
    call.head === undefined ? call : { ...call, head: sharedHead(call.head) }
  async function kept<Result>(parts: readonly unknown[], ask: () => Promise<Result>): Promise<Result> {
    const key = keyOf([port.name, ...parts])
    const found = memory.find(key)
    if (found && 'result' in found) {
      count(found.ms, 0)
      return found.result as Result
    }
    const started = performance.now()
    const result = await ask()
    const ms = performance.now() - started
    memory.keep(key, { ms, result })
    count(ms, ms)
    return result
  }
  return {
    name: port.name,
    ...(port.givesVectors && { givesVectors: port.givesVectors }),
    ...(port.load && { load: port.load.bind(port) }),
    ...(decide && { decide: (call, limits) => kept(['decide', shared(call)], () => decide.call(port, call, limits)) }),
    ...(compare && {
      compare: (call, limits) => kept(['compare', shared(call)], () => compare.call(port, call, limits)),
    }),
    ...(extract && { extract: (call, limits) => kept(['extract', call], () => extract.call(port, call, limits)) }),
    ...(embed && {
      embed: (text, limits, frame) => kept(['embed', text, frame], () => embed.call(port, text, limits, frame)),
    }),
    ...(writeJson && {
      writeJson: (call, limits) => kept(['writeJson', call], () => writeJson.call(port, call, limits)),
    }),
    generate: (call, limits) => written(port, memory, { call, limits }),
    close: () => port.close(),
  }
}

/** A reader that stops half-way is charged for the time until then. */
async function* written(
  port: ModelPort,
  memory: Memory,
  { call: asked, limits }: { readonly call: ModelCall; readonly limits: CallLimits },
): AsyncGenerator<ModelEvent> {
  const { stream: _, wire: _wire, ...rest } = asked
  const call: ModelCall = { ...rest, stream: true, tokenSignals: true }
  const key = keyOf([port.name, 'generate', call])
  const found = memory.find(key)
  let at = 0
  if (found && 'events' in found) {
    try {
      for (const [ms, event] of found.events) {
        at = ms
        yield event
      }
    } finally {
      count(at, 0)
    }
    return
  }
  const started = performance.now()
  const events: Heard[] = []
  try {
    for await (const event of port.generate(call, limits)) {
      at = performance.now() - started
      events.push([at, event])
      // Whoever has the end of an answer reads no further.
      if (event.type === 'finish') memory.keep(key, { events })
      yield event
    }
  } finally {
    count(at, performance.now() - started)
  }
}

function count(ms: number, spentMs: number): void {
  const asked = asking()
  if (!asked) return
  asked.localMs += ms
  asked.spentMs += spentMs
}

function keyOf(parts: readonly unknown[]): string {
  return createHash('sha256').update(JSON.stringify(parts)).digest('hex')
}
