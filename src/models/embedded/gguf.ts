import { closeSync, fstatSync, openSync, readSync } from 'node:fs'
import { RouterError } from '../../spec/errors.ts'
import { type ByteSource, GgufCursor, GgufProblem } from './gguf-cursor.ts'
import { fillsIn, isMark, MARK_BYTES } from './gguf-infill.ts'
import { FILE_TYPES, TENSOR_TYPES } from './gguf-types.ts'

/** What the header of a GGUF file says, as far as loading and memory need it. */
export interface GgufHeader {
  readonly architecture: string
  readonly layers: number
  readonly contextTokens: number
  /** Name such as Q4_1; null when the file does not say. */
  readonly quantisation: string | null
  readonly vocabularySize: number | null
  /** Bytes of the key-value cache per token at 16 bits; null when the file does not give the head sizes. */
  readonly cacheBytesPerToken: number | null
  /** Width of a token's vector; null when the file does not say, as for the next. */
  readonly embeddingLength: number | null
  readonly feedForwardLength: number | null
  /** Its vocabulary has the marks of a text that is filled in. */
  readonly fillsIn: boolean
  /** Numbers in all tensors. */
  readonly parameters: number
  readonly weightBytes: number
  readonly fileBytes: number
}

/**
 * Reads and checks the header before the file reaches native code, which crashes on hostile ones. Synchronous: about
 * 10 ms for a vocabulary of 50,000 words, under 1 MB of memory, whatever the counts in the file claim. Of a model in
 * parts (`…-00001-of-00003.gguf`) the first is named; all of them are counted.
 *
 * @param path a GGUF file, version 2 or 3, little-endian
 * @throws RouterError model_file_missing, model_file_invalid
 */
export function readGgufHeader(path: string): GgufHeader {
  const first = readPart(path)
  return joinParts(
    first,
    partNames(path, first.parts).map((part) => readPart(part)),
  )
}

/** One file of a model, which is the whole model unless `parts` is more than 1. */
export interface GgufPart extends GgufHeader {
  readonly parts: number
}

/** The header of a model from its first part and the others. */
export function joinParts({ parts: _, ...first }: GgufPart, others: readonly GgufPart[]): GgufHeader {
  const sum = (key: 'parameters' | 'weightBytes' | 'fileBytes'): number =>
    others.reduce((total, part) => total + part[key], first[key])
  return { ...first, parameters: sum('parameters'), weightBytes: sum('weightBytes'), fileBytes: sum('fileBytes') }
}

/**
 * The other parts of a model, by the naming of llama.cpp's `gguf-split`; none when it is whole.
 *
 * @param first path or address of part 1
 * @throws RouterError model_file_invalid when it says that it has parts and is not named as the first of them
 */
export function partNames(first: string, parts: number): readonly string[] {
  if (parts <= 1) return []
  const name = /^(.*)-00001-of-(\d{5})\.gguf$/.exec(first)
  if (name === null || Number(name[2]) !== parts) {
    const problem = `it is one of ${parts} parts and not named as the first of them`
    throw invalid(first, problem, `Name the file that ends in -00001-of-${String(parts).padStart(5, '0')}.gguf.`)
  }
  return Array.from(
    { length: parts - 1 },
    (_, index) => `${name[1]}-${String(index + 2).padStart(5, '0')}-of-${name[2]}.gguf`,
  )
}

function readPart(path: string): GgufPart {
  const handle = open(path)
  try {
    const read: ByteSource['read'] = (target, position) => readSync(handle, target, 0, target.length, position)
    return parseGguf({ sizeBytes: fstatSync(handle).size, read }, path)
  } finally {
    closeSync(handle)
  }
}

/**
 * The header of one file, from wherever its bytes come.
 *
 * @param subject names the file in errors
 * @throws RouterError model_file_invalid; whatever the source throws
 */
export function parseGguf(source: ByteSource, subject: string): GgufPart {
  try {
    const fileBytes = source.sizeBytes
    const cursor = new GgufCursor(source)
    const counts = readPreamble(cursor, fileBytes)
    const metadata = readMetadata(cursor, counts.entries)
    const alignment = number(metadata, 'general.alignment') ?? DEFAULT_ALIGNMENT
    if (alignment < 8 || (alignment & (alignment - 1)) !== 0 || alignment > 65_536) {
      throw new GgufProblem(`its alignment ${alignment} is not a power of two from 8 to 65536`)
    }
    const parts = number(metadata, 'split.count') ?? 1
    inRange('parts', Math.max(1, parts), MAX_PARTS)
    const described = isLaterPart(metadata) ? LATER_PART : describe(metadata)
    const tensors = readTensors(cursor, { count: counts.tensors, alignment, fileBytes, parts })
    return { ...described, ...tensors, fileBytes, parts }
  } catch (error) {
    if (!(error instanceof GgufProblem)) throw error
    throw invalid(subject, error.message, 'Delete it and fetch the model again, or name another file.', error)
  }
}

/** Parts after the first may hold tensors only. */
function isLaterPart(metadata: Metadata): boolean {
  return (number(metadata, 'split.no') ?? 0) > 0 && !metadata.has('general.architecture')
}

function invalid(path: string, problem: string, fix: string, cause?: unknown): RouterError {
  return new RouterError('model_file_invalid', { path, problem, fix }, cause)
}

function open(path: string): number {
  try {
    return openSync(path, 'r')
  } catch (error) {
    throw new RouterError('model_file_missing', { model: 'given by path', path }, error)
  }
}

const MAGIC = 'GGUF'
const DEFAULT_ALIGNMENT = 32
/** Real files have under 100 entries and, at 512 layers, under 20,000 tensors. */
const MAX_ENTRIES = 65_536
const MAX_TENSORS = 65_536
/** LLAMA_MAX_LAYERS of llama.cpp. */
const MAX_LAYERS = 512
const MAX_CONTEXT_TOKENS = 16_777_216
/** Widths of the largest open models are below 60,000. */
const MAX_WIDTH = 1_048_576
const MAX_NAME_BYTES = 1024
/** Five digits in the name. */
const MAX_PARTS = 99_999
const MAX_ARRAY_DEPTH = 4

function readPreamble(cursor: GgufCursor, fileBytes: number): { readonly entries: number; readonly tensors: number } {
  if (fileBytes === 0) throw new GgufProblem('it is empty')
  const magic = cursor.bytes(Math.min(4, fileBytes)).toString('latin1')
  if (magic !== MAGIC) throw new GgufProblem(notGguf(magic))
  const version = cursor.u32()
  if (version > 0 && (version & 0xffff) === 0) throw new GgufProblem('it is big-endian, which is not supported')
  if (version !== 2 && version !== 3) throw new GgufProblem(`its GGUF version ${version} is not 2 or 3`)
  const tensors = cursor.u64('the number of tensors')
  const entries = cursor.u64('the number of metadata entries')
  if (tensors > MAX_TENSORS) throw new GgufProblem(`it claims ${tensors} tensors`)
  if (entries > MAX_ENTRIES) throw new GgufProblem(`it claims ${entries} metadata entries`)
  return { entries, tensors }
}

function notGguf(start: string): string {
  if (/^(<!do|<htm|<HTM|<!DO|\s*<)/.test(start))
    return 'it is an HTML page, probably a download page saved under this name'
  if (start === 'vers') return 'it is a Git LFS pointer, not the file itself'
  if (start.startsWith('PK')) return 'it is a zip archive, not a GGUF file'
  return 'it does not start with GGUF'
}

type Value = string | number | boolean | { readonly length: number; readonly marks: ReadonlySet<string> } | null
type Metadata = ReadonlyMap<string, Value>

/** A Map, so that a key such as `__proto__` is only a key. */
function readMetadata(cursor: GgufCursor, count: number): Metadata {
  const metadata = new Map<string, Value>()
  for (let index = 0; index < count; index++) {
    const key = cursor.text('a metadata key', MAX_NAME_BYTES)
    if (key === null || key === '') throw new GgufProblem('a metadata key is empty or too long')
    metadata.set(key, readValue(cursor, cursor.u32(), 0))
  }
  return metadata
}

const SCALARS: ReadonlyMap<number, (cursor: GgufCursor) => number | boolean> = new Map<
  number,
  (cursor: GgufCursor) => number | boolean
>([
  [0, (cursor: GgufCursor) => cursor.u8()],
  [1, (cursor: GgufCursor) => cursor.i8()],
  [2, (cursor: GgufCursor) => cursor.u16()],
  [3, (cursor: GgufCursor) => cursor.i16()],
  [4, (cursor: GgufCursor) => cursor.u32()],
  [5, (cursor: GgufCursor) => cursor.i32()],
  [6, (cursor: GgufCursor) => cursor.f32()],
  [7, (cursor: GgufCursor) => cursor.u8() !== 0],
  [10, (cursor: GgufCursor) => cursor.u64('a metadata number')],
  [11, (cursor: GgufCursor) => cursor.i64()],
  [12, (cursor: GgufCursor) => cursor.f64()],
])

const SCALAR_BYTES: ReadonlyMap<number, number> = new Map([
  [0, 1],
  [1, 1],
  [2, 2],
  [3, 2],
  [4, 4],
  [5, 4],
  [6, 4],
  [7, 1],
  [10, 8],
  [11, 8],
  [12, 8],
])
const STRING = 8
const ARRAY = 9

function readValue(cursor: GgufCursor, type: number, depth: number): Value {
  if (type === STRING) return cursor.text('a metadata text', MAX_NAME_BYTES)
  if (type === ARRAY) return readArray(cursor, depth)
  const read = SCALARS.get(type)
  if (read === undefined) throw new GgufProblem(`a metadata value has the unknown type ${type}`)
  return read(cursor)
}

/** Only the length is kept, and what of a vocabulary marks a text that is filled in. */
function readArray(cursor: GgufCursor, depth: number): Exclude<Value, string | number | boolean | null> {
  if (depth >= MAX_ARRAY_DEPTH) throw new GgufProblem('its metadata arrays are nested too deep')
  const type = cursor.u32()
  const length = cursor.u64('the length of an array')
  const marks = new Set<string>()
  const width = SCALAR_BYTES.get(type)
  if (width !== undefined) cursor.skip(length * width)
  else if (type === STRING)
    for (let index = 0; index < length; index++) {
      const text = cursor.text('an array text', MARK_BYTES)
      if (text !== null && text.charCodeAt(0) !== 0x20 && isMark(text)) marks.add(text)
    }
  else if (type === ARRAY) for (let index = 0; index < length; index++) readArray(cursor, depth + 1)
  else throw new GgufProblem(`a metadata array has the unknown type ${type}`)
  return { length, marks }
}

interface TensorTable {
  readonly count: number
  readonly alignment: number
  readonly fileBytes: number
  readonly parts: number
}

/** The sizes of all tensors together; every one of them lies inside the file. */
function readTensors(cursor: GgufCursor, table: TensorTable): Pick<GgufHeader, 'parameters' | 'weightBytes'> {
  // The first of several parts may hold the vocabulary only.
  if (table.count === 0 && table.parts <= 1) throw new GgufProblem('it holds no tensors')
  let parameters = 0
  let weightBytes = 0
  let end = 0
  for (let index = 0; index < table.count; index++) {
    cursor.text('a tensor name', MAX_NAME_BYTES)
    const { values, bytes } = readTensor(cursor)
    const offset = cursor.u64('a tensor offset')
    if (offset % table.alignment !== 0) throw new GgufProblem(`a tensor offset (${offset}) breaks the alignment`)
    parameters += values
    weightBytes += bytes
    end = Math.max(end, offset + bytes)
  }
  const start = Math.ceil(cursor.position / table.alignment) * table.alignment
  if (start + end > table.fileBytes) {
    throw new GgufProblem(`it holds ${table.fileBytes} of at least ${start + end} bytes: an incomplete download`)
  }
  return { parameters, weightBytes }
}

function readTensor(cursor: GgufCursor): { readonly values: number; readonly bytes: number } {
  const dimensions = cursor.u32()
  if (dimensions < 1 || dimensions > 4)
    throw new GgufProblem(`a tensor has ${dimensions} dimensions, 1 to 4 are possible`)
  let values = 1
  let row = 1
  for (let index = 0; index < dimensions; index++) {
    const size = cursor.u64('a tensor dimension')
    if (size === 0) throw new GgufProblem('a tensor has a dimension of 0')
    if (index === 0) row = size
    values *= size
    if (!Number.isSafeInteger(values)) throw new GgufProblem('the size of a tensor overflows')
  }
  const code = cursor.u32()
  const type = TENSOR_TYPES.get(code)
  if (type === undefined) throw new GgufProblem(`a tensor has the unknown type ${code}`)
  if (row % type.block !== 0)
    throw new GgufProblem(`a tensor row of ${row} values does not divide into blocks of ${type.block}`)
  return { values, bytes: (values / type.block) * type.bytes }
}

type Described = Omit<GgufHeader, 'parameters' | 'weightBytes' | 'fileBytes'>

const LATER_PART: Described = {
  architecture: '',
  layers: 0,
  contextTokens: 0,
  quantisation: null,
  vocabularySize: null,
  cacheBytesPerToken: null,
  embeddingLength: null,
  feedForwardLength: null,
  fillsIn: false,
}

function describe(metadata: Metadata): Described {
  const architecture = metadata.get('general.architecture')
  if (typeof architecture !== 'string') throw new GgufProblem('it does not name its architecture')
  // The name is only ever compared, never part of a path; a strange one still means a strange file.
  if (!/^[a-z0-9][a-z0-9_.-]{0,63}$/.test(architecture)) throw new GgufProblem('its architecture is unknown')
  const at = (key: string): number | null => number(metadata, `${architecture}.${key}`)
  const width = (key: string): number | null => {
    const value = at(key)
    if (value !== null) inRange(key.replace('_', ' '), value, MAX_WIDTH)
    return value
  }
  const layers = at('block_count')
  if (layers === null) throw new GgufProblem(`its architecture ${architecture} is unknown: it names no layers`)
  inRange('layers', layers, MAX_LAYERS)
  const contextTokens = at('context_length')
  if (contextTokens === null) throw new GgufProblem('it does not name its context length')
  inRange('context tokens', contextTokens, MAX_CONTEXT_TOKENS)
  const fileType = number(metadata, 'general.file_type')
  return {
    architecture,
    layers,
    contextTokens,
    quantisation: fileType === null ? null : (FILE_TYPES.get(fileType) ?? null),
    vocabularySize: arrayLength(metadata, 'tokenizer.ggml.tokens') ?? at('vocab_size'),
    cacheBytesPerToken: cacheBytesPerToken(layers, at),
    embeddingLength: width('embedding_length'),
    feedForwardLength: width('feed_forward_length'),
    fillsIn: fillsIn(marksOf(metadata), (key) => number(metadata, key) !== null),
  }
}

/** Keys and values of every layer and key-value head, 2 bytes each. */
function cacheBytesPerToken(layers: number, at: (key: string) => number | null): number | null {
  const heads = at('attention.head_count')
  if (heads === null) return null
  inRange('attention heads', heads, 65_536)
  const embedding = at('embedding_length')
  const keyLength = at('attention.key_length') ?? (embedding === null ? null : embedding / heads)
  if (keyLength === null) return null
  const valueLength = at('attention.value_length') ?? keyLength
  const keyValueHeads = at('attention.head_count_kv') ?? heads
  return layers * keyValueHeads * (keyLength + valueLength) * 2
}

function inRange(what: string, value: number, max: number): void {
  if (!Number.isInteger(value) || value < 1 || value > max)
    throw new GgufProblem(`it claims ${value} ${what}, 1 to ${max} are possible`)
}

function number(metadata: Metadata, key: string): number | null {
  const value = metadata.get(key)
  return typeof value === 'number' ? value : null
}

function marksOf(metadata: Metadata): ReadonlySet<string> {
  const value = metadata.get('tokenizer.ggml.tokens')
  return typeof value === 'object' && value !== null ? value.marks : new Set()
}

function arrayLength(metadata: Metadata, key: string): number | null {
  const value = metadata.get(key)
  return typeof value === 'object' && value !== null ? value.length : null
}
