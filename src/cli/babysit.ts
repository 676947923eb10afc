/** `spillway babysit`: keeps memory free by unloading idle models of the engine host. It signals and ends no process. */
import { setTimeout as delay } from 'node:timers/promises'
import { babysit, type WatchEnding, type WatchLine } from '../models/babysit.ts'
import { RouterError } from '../spec/errors.ts'
import { type AddCommand, addCommand, type CliContext } from './context.ts'
import { spanMs } from './duration.ts'
import { hostStatus, unloadModel } from './engine-host.ts'
import { ExitCode, usage } from './failure.ts'
import { isIdle } from './free-memory.ts'

interface BabysitFlags {
  readonly targetFreeMb: string
  readonly interval: string
  readonly once?: true
  readonly json?: true
}

const MEGABYTE = 1_000_000

/** Zero also when it was stopped by a signal: that is how a watch ends. */
const EXIT_CODES: Readonly<Record<WatchEnding, number>> = {
  target_kept: 0,
  stopped: 0,
  target_not_reached: 1,
  nothing_to_watch: 3,
}

export const addBabysit: AddCommand = (program, context) => {
  addCommand(program, 'babysit', 'keep memory free: unload idle models while less than the target is free')
    .requiredOption('--target-free-mb <megabytes>', 'memory to keep free')
    .option('--interval <span>', 'time between two looks, such as 500ms, 5s or 1m', '5s')
    .option('--once', 'look once, unload what that takes, and end')
    .action((flags: BabysitFlags) => watch(flags, context))
}

async function watch(flags: BabysitFlags, context: CliContext): Promise<void> {
  const targetFreeBytes = megabytes(flags.targetFreeMb) * MEGABYTE
  const intervalMs = spanMs('--interval', flags.interval, { least: MIN_INTERVAL_MS })
  const { signal } = context
  const ending = await babysit({
    targetFreeBytes,
    intervalMs,
    runs: flags.once ? 'once' : 'until stopped',
    freeBytes: () => process.availableMemory(),
    // Each look is a connection of its own: an open one would keep the host from ending when it is idle.
    models: async () =>
      await orWhenStopped(signal, null, async () => {
        const host = await whileThere(() => hostStatus(context), null)
        return host?.models.map((row) => ({ ...row, isIdle: isIdle(row) })) ?? null
      }),
    unload: async (digest) =>
      await orWhenStopped(signal, 0, async () => await whileThere(() => unloadModel(digest, context), 0)),
    wait: (ms) => delay(ms, undefined, { signal }).catch(() => undefined),
    isStopped: () => signal.aborted,
    report: (line) => (flags.json ? context.terminal.json(line) : context.terminal.print(inWords(line))),
  })
  if (EXIT_CODES[ending] !== 0) throw new ExitCode(EXIT_CODES[ending])
}

/** A call that a stop cuts short is no failure. */
async function orWhenStopped<T>(signal: AbortSignal, stopped: T, call: () => Promise<T>): Promise<T> {
  try {
    return signal.aborted ? stopped : await call()
  } catch (error) {
    if (signal.aborted) return stopped
    throw error
  }
}

/** The host may end between two messages; that is the same as no host. */
async function whileThere<T>(call: () => Promise<T>, gone: T): Promise<T> {
  try {
    return await call()
  } catch (error) {
    if (error instanceof RouterError && error.code === 'engine_crashed') return gone
    throw error
  }
}

function inWords(line: WatchLine): string {
  const mb = (bytes: number): string => `${Math.round(bytes / MEGABYTE)} MB`
  switch (line.event) {
    case 'start':
      return `watching ${line.models} loaded models: ${mb(line.freeBytes)} free, ${mb(line.targetFreeBytes)} wanted`
    case 'unload':
      return `unloaded ${line.model}: ${mb(line.freeBeforeBytes)} free before, ${mb(line.freeBytes)} now`
    case 'short':
      return `${mb(line.missingBytes)} are missing; ${line.busyModels} models are in use and stay`
    case 'end':
      return `ended (${line.ending}): ${mb(line.freeBytes)} free, ${line.unloaded} copies unloaded`
    default:
      return line satisfies never
  }
}

function megabytes(text: string): number {
  const value = Number(text)
  if (Number.isSafeInteger(value) && value > 0) return value
  throw usage(`--target-free-mb ${text} is not a positive whole number`, 'Write --target-free-mb 4000.')
}

/** Below this, looking costs more than it can find: a look takes a few milliseconds. */
const MIN_INTERVAL_MS = 50
