/** `spillway fits`: whether a model, or so many megabytes, would fit in memory now. Loads nothing. */
import { existsSync } from 'node:fs'
import { findInCatalog } from '../models/catalog.ts'
import { type GgufHeader, readGgufHeader } from '../models/embedded/gguf.ts'
import { type FreeMemory, fitVerdict, largestContext, loadParts, type SizedHeader } from '../models/embedded/memory.ts'
import { locateModel } from '../models/fetch/locate.ts'
import { resolvePaths } from '../models/paths.ts'
import { RouterError } from '../spec/errors.ts'
import { type AddCommand, addCommand, type CliContext } from './context.ts'
import { hostStatus } from './engine-host.ts'
import { ExitCode, usage } from './failure.ts'

interface FitFlags {
  readonly ctx?: string
  readonly beforeLoad?: true
  readonly json?: true
}

/** Process exit code of `no`; the others are 0. */
const DOES_NOT_FIT = 4
const MEGABYTE = 1_000_000
const DEFAULT_CONTEXT = 4096
const DEFAULT_SEQUENCES = 2

export const addFits: AddCommand = (program, context) => {
  addCommand(program, 'fits <model-or-MB>', 'whether a model (name or GGUF file), or so many MB, fits in memory now')
    .option('--ctx <tokens>', `context to plan for (default ${DEFAULT_CONTEXT})`)
    .option('--before-load', 'the number is what is about to be loaded, in MB')
    .action((what: string, flags: FitFlags) => fits(what, flags, context))
}

async function fits(what: string, flags: FitFlags, context: CliContext): Promise<void> {
  const contextTokens = flags.ctx === undefined ? DEFAULT_CONTEXT : positive('--ctx', flags.ctx)
  const free = await freeMemory(context)
  const answer =
    /^\d+$/.test(what) || flags.beforeLoad ? megabytes(what, free) : model(what, { contextTokens, free, context })
  if (flags.json) context.terminal.json(answer)
  else for (const line of inWords(what, answer)) context.terminal.print(line)
  if (answer.verdict === 'no') throw new ExitCode(DOES_NOT_FIT)
}

type Answer = ReturnType<typeof megabytes> | ReturnType<typeof model>

function megabytes(what: string, free: FreeMemory) {
  const needBytes = positive('the number of MB', what) * MEGABYTE
  return {
    verdict: fitVerdict(needBytes, free),
    needBytes,
    availableBytes: free.available,
    reclaimableBytes: free.reclaimable,
  }
}

function model(
  what: string,
  plan: { readonly contextTokens: number; readonly free: FreeMemory; readonly context: CliContext },
) {
  const { header, estimated } = headerOf(what, plan.context)
  const { contextTokens, free } = plan
  const parts = loadParts(header, { contextTokens, sequences: DEFAULT_SEQUENCES })
  const needBytes = parts.weights + parts.cache + parts.buffers
  return {
    verdict: fitVerdict(needBytes, free),
    needBytes,
    weightsBytes: parts.weights,
    kvCacheBytes: parts.cache,
    bufferBytes: parts.buffers,
    contextTokens,
    largestContextTokens: largestContext(header, free, { sequences: DEFAULT_SEQUENCES, limitTokens: header.contextTokens }),
    availableBytes: free.available,
    reclaimableBytes: free.reclaimable,
    estimated,
  }
}

type PlannedHeader = SizedHeader & Pick<GgufHeader, 'contextTokens'>

/** A file that is here speaks for itself; a catalogue entry that is not here gives its size and its context. */
function headerOf(what: string, context: CliContext): { readonly header: PlannedHeader; readonly estimated: boolean } {
  if (existsSync(what)) return { header: readGgufHeader(what), estimated: false }
  const entry = findInCatalog(what)
  if (!entry)
    throw new RouterError('not_found', {
      subject: 'model',
      value: what,
      fix: 'Give a catalogue name (`spillway models list`), a GGUF file, or a number of MB.',
    })
  const paths = resolvePaths(context.env, process.platform)
  const file = locateModel({ name: what, path: null, env: { ...context.env }, paths })
  if (file.exists) return { header: readGgufHeader(file.path), estimated: false }
  const header = {
    weightBytes: entry.sizeBytes,
    contextTokens: entry.contextTokens,
    cacheBytesPerToken: null,
    vocabularySize: null,
  }
  return { header, estimated: true }
}

async function freeMemory(context: CliContext): Promise<FreeMemory> {
  const host = await hostStatus(context)
  const idle = host?.models.filter((row) => row.state === 'ready' && row.active === 0 && row.waiting === 0) ?? []
  return { available: process.availableMemory(), reclaimable: idle.reduce((sum, row) => sum + row.needBytes, 0) }
}

function inWords(what: string, answer: Answer): readonly string[] {
  const mb = (bytes: number): string => `${Math.round(bytes / MEGABYTE)} MB`
  const free = `${mb(answer.availableBytes)} free, ${mb(answer.reclaimableBytes)} held by idle models`
  const lines = [`${answer.verdict}: ${what} needs ${mb(answer.needBytes)}; ${free}`]
  if (!('weightsBytes' in answer)) return lines
  const detail = `weights ${mb(answer.weightsBytes)}, cache ${mb(answer.kvCacheBytes)} for ${answer.contextTokens} tokens, buffers ${mb(answer.bufferBytes)}`
  const note = answer.estimated ? ' (estimated from the catalogue; the file is not here)' : ''
  return [...lines, detail + note, `largest context that fits: ${answer.largestContextTokens} tokens`]
}

function positive(subject: string, text: string): number {
  const value = Number(text)
  if (Number.isInteger(value) && value > 0) return value
  throw usage(`${subject} ${text} is not a positive whole number`, 'Give a number such as 4096.')
}
