/** `spillway fits`: whether a model, or so many megabytes, would fit in memory now. Loads nothing. */
import { existsSync } from 'node:fs'
import { sizedHeader } from '../models/catalog/fit-rows.ts'
import { findOpenModel } from '../models/catalog/open-models.ts'
import { type CatalogEntry, findInCatalog } from '../models/catalog.ts'
import { type GgufHeader, readGgufHeader } from '../models/embedded/gguf.ts'
import {
  type FitVerdict,
  type FreeMemory,
  fitVerdict,
  largestContext,
  loadParts,
  type SizedHeader,
} from '../models/embedded/memory.ts'
import { largestQuantisation, type QuantisationName } from '../models/embedded/quantisations.ts'
import { hubUrl } from '../models/fetch/hub-source.ts'
import { locateModel, type ModelPlace } from '../models/fetch/locate.ts'
import { readRemoteGgufHeader } from '../models/fetch/remote-header.ts'
import { resolvePaths } from '../models/paths.ts'
import { RouterError } from '../spec/errors.ts'
import { type AddCommand, addCommand, type CliContext } from './context.ts'
import { ExitCode, usage } from './failure.ts'
import { freeMemory, freeVram } from './free-memory.ts'

interface FitFlags {
  readonly ctx?: string
  readonly sequences?: string
  readonly beforeLoad?: true
  readonly json?: true
}

/** Process exit code of `no`; the others are 0. */
const DOES_NOT_FIT = 4
const MEGABYTE = 1_000_000
/** The defaults of `contextTokens` and `parallel` in the policy. */
const DEFAULT_CONTEXT = 4096
const DEFAULT_SEQUENCES = 2

export const addFits: AddCommand = (program, context) => {
  addCommand(program, 'fits <model-or-MB>', 'whether a model (name, GGUF file or its address) or so many MB fit now')
    .option('--ctx <tokens>', `context to plan for (default ${DEFAULT_CONTEXT})`)
    .option('--sequences <count>', `requests side by side, each with that context (default ${DEFAULT_SEQUENCES})`)
    .option('--before-load', 'the number is what is about to be loaded, in MB')
    .action((what: string, flags: FitFlags) => fits(what, flags, context))
}

/** What `--json` prints. Bytes; null where the question does not tell. */
interface Answer {
  readonly verdict: FitVerdict
  readonly needBytes: number
  readonly weightsBytes: number | null
  readonly kvCacheBytes: number | null
  readonly bufferBytes: number | null
  readonly freeRamBytes: number
  /** Null when no GPU is found. The verdict counts main memory only: the engine runs on the processor. */
  readonly freeVramBytes: number | null
  /** Held by loaded models that no request uses. */
  readonly reclaimableBytes: number
  readonly contextTokens: number | null
  readonly sequences: number | null
  readonly largestContextTokens: number | null
  readonly largestQuantisation: QuantisationName | null
  /** Where the figures come from; `catalogue`: neither the file nor its address could be read. */
  readonly source: 'number' | 'file' | 'remote' | 'catalogue'
  readonly estimated: boolean
}

type Need = Omit<Answer, 'verdict' | 'freeRamBytes' | 'freeVramBytes' | 'reclaimableBytes'>

async function fits(what: string, flags: FitFlags, context: CliContext): Promise<void> {
  const plan = {
    contextTokens: positive('--ctx', flags.ctx ?? `${DEFAULT_CONTEXT}`),
    sequences: positive('--sequences', flags.sequences ?? `${DEFAULT_SEQUENCES}`),
  }
  const isNumber = /^\d+$/.test(what) || flags.beforeLoad === true
  const known = isNumber ? null : await headerOf(what, context)
  const megabytes = known ? null : positive('the number of MB', what)
  const [free, freeVramBytes] = await Promise.all([freeMemory(context), freeVram(context)])
  const need = known ? needOfModel(known, plan, free) : needOfNumber((megabytes ?? 0) * MEGABYTE)
  const answer: Answer = {
    verdict: fitVerdict(need.needBytes, free),
    ...need,
    freeRamBytes: free.available,
    freeVramBytes,
    reclaimableBytes: free.reclaimable,
  }
  if (flags.json) context.terminal.json(answer)
  else for (const line of inWords(what, answer)) context.terminal.print(line)
  if (answer.verdict === 'no') throw new ExitCode(DOES_NOT_FIT)
}

function needOfNumber(needBytes: number): Need {
  return {
    needBytes,
    weightsBytes: null,
    kvCacheBytes: null,
    bufferBytes: null,
    contextTokens: null,
    sequences: null,
    largestContextTokens: null,
    largestQuantisation: null,
    source: 'number',
    estimated: false,
  }
}

function needOfModel(
  { header, source }: KnownModel,
  plan: { readonly contextTokens: number; readonly sequences: number },
  free: FreeMemory,
): Need {
  const { weights, cache, buffers } = loadParts(header, plan)
  return {
    needBytes: weights + cache + buffers,
    weightsBytes: weights,
    kvCacheBytes: cache,
    bufferBytes: buffers,
    ...plan,
    largestContextTokens: largestContext(header, free, { ...plan, limitTokens: header.contextTokens }),
    largestQuantisation: largestQuantisation(header.parameters, free.available + free.reclaimable - cache - buffers),
    source,
    estimated: source === 'catalogue',
  }
}

interface KnownModel {
  readonly header: SizedHeader & Pick<GgufHeader, 'contextTokens'> & { readonly parameters: number | null }
  readonly source: 'file' | 'remote' | 'catalogue'
}

/** A file speaks for itself, here or on its server; a catalogue entry whose server is silent gives size and context. */
async function headerOf(what: string, context: CliContext): Promise<KnownModel> {
  if (/^https?:\/\//i.test(what))
    return { header: await readRemoteGgufHeader(addressOf(what), context.signal), source: 'remote' }
  if (existsSync(what)) return { header: readGgufHeader(what), source: 'file' }
  const entry = findInCatalog(what)
  const file = placeOf(what, context)
  if (file?.exists) return { header: readGgufHeader(file.path), source: 'file' }
  if (entry) return (await askHub(entry, context)) ?? { header: fromCatalogue(entry), source: 'catalogue' }
  if (file) throw new RouterError('model_file_missing', { model: what, path: file.path })
  const open = openModelNamed(what)
  if (open) return { header: open, source: 'catalogue' }
  throw new RouterError('not_found', {
    subject: 'model',
    value: what,
    fix: 'Give a catalogue name (`spillway models list`), a GGUF file, its https address, or a number of MB.',
  })
}

/** A model of the swap table: `qwen3-32b`, or `qwen3-32b:Q8_0` for another quantisation than its first. */
function openModelNamed(what: string): KnownModel['header'] | null {
  const [name = '', quantisation] = what.split(':')
  const model = findOpenModel(name)
  const weight = model?.weights.find((one) => quantisation === undefined || one.quantisation === quantisation)
  if (!model || !weight) return null
  const { value: parameters } = model.parameters
  return { ...sizedHeader(model, weight), contextTokens: model.shape.value.contextTokens, parameters }
}

/** Where the file of a name is or would be; null for a name that nobody knows. */
function placeOf(name: string, context: CliContext): ModelPlace | null {
  const paths = resolvePaths(context.env, process.platform)
  try {
    return locateModel({ name, path: null, env: { ...context.env }, paths })
  } catch (error) {
    if (error instanceof RouterError && error.code === 'not_found') return null
    throw error
  }
}

function addressOf(text: string): URL {
  const url = URL.canParse(text) ? new URL(text) : null
  if (url !== null && url.username === '' && url.password === '') return url
  throw usage('the address of the model is not one without user and password', 'Write https://host/path/model.gguf.')
}

/** @returns null when the hub cannot be reached: a catalogue entry is enough for an estimate */
async function askHub(entry: CatalogEntry, context: CliContext): Promise<KnownModel | null> {
  if (entry.hub === null) return null
  try {
    return {
      header: await readRemoteGgufHeader(hubUrl(entry.hub, { ...context.env }), context.signal),
      source: 'remote',
    }
  } catch (error) {
    if (error instanceof RouterError && error.code === 'model_unreachable') return null
    throw error
  }
}

function fromCatalogue({ sizeBytes, contextTokens, parameters }: CatalogEntry): KnownModel['header'] {
  return { weightBytes: sizeBytes, contextTokens, parameters, cacheBytesPerToken: null, vocabularySize: null }
}

function inWords(what: string, answer: Answer): readonly string[] {
  const mb = (bytes: number | null): string => `${Math.round((bytes ?? 0) / MEGABYTE)} MB`
  const vram = answer.freeVramBytes === null ? '' : `, ${mb(answer.freeVramBytes)} free on the GPU`
  const free = `${mb(answer.freeRamBytes)} free, ${mb(answer.reclaimableBytes)} held by idle models${vram}`
  const lines = [`${answer.verdict}: ${what} needs ${mb(answer.needBytes)}; ${free}`]
  if (answer.source === 'number') return lines
  const cache = `cache ${mb(answer.kvCacheBytes)} for ${answer.sequences} times ${answer.contextTokens} tokens`
  const note = answer.estimated ? ' (estimated from the catalogue; the file could not be read)' : ''
  const detail = `weights ${mb(answer.weightsBytes)}, ${cache}, buffers ${mb(answer.bufferBytes)}${note}`
  const largest = `largest context that fits: ${answer.largestContextTokens} tokens`
  const quantisation = `; largest quantisation: ${answer.largestQuantisation ?? 'none'}`
  return [...lines, detail, largest + quantisation]
}

function positive(subject: string, text: string): number {
  const value = Number(text)
  if (Number.isSafeInteger(value) && value > 0) return value
  throw usage(`${subject} ${text} is not a positive whole number`, 'Give a number such as 4096.')
}
