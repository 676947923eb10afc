/** Rows of a labelled stream as the local model reads them; the readings are kept in the cache directory. */
import { createHash } from 'node:crypto'
import { appendFileSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, truncateSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { openEmbeddedModel } from '../../src/models/embedded/configured.ts'
import { embeddingRecipe } from '../../src/models/embedded/embed-prompt.ts'
import { GIST_FRAME, optionsFrame } from '../../src/models/head-views.ts'
import { resolvePaths } from '../../src/models/paths.ts'
import { policySchema } from '../../src/spec/policy.ts'
import type { CallLimits, EmbedFrame } from '../../src/spec/ports.ts'

export interface StreamRow {
  readonly id: string
  readonly text: string
  readonly label: string
  readonly options: readonly string[]
}

/** @returns the first `limit` rows of the file */
export function readStream(file: string, limit: number): readonly StreamRow[] {
  const lines = readFileSync(file, 'utf8')
    .split('\n')
    .filter((line) => line !== '')
  return lines.slice(0, limit).map((line): StreamRow => {
    const { id, input, answers, labels } = JSON.parse(line) as RawRow
    return { id, text: input, label: answers[0] ?? '', options: labels }
  })
}

/** The ways of reading of a head: the model's state after a question for the gist, and after the options. */
export function framesOf(rows: readonly StreamRow[]): readonly EmbedFrame[] {
  return [GIST_FRAME, optionsFrame(rows[0]?.options ?? [])]
}

/**
 * One vector of every row and frame. What was read before is not read again, so the first run takes a fraction of a
 * second a row and all others none.
 *
 * @param told called with the rows read so far
 */
export async function streamVectors(
  rows: readonly StreamRow[],
  frames: readonly EmbedFrame[],
  told: (done: number) => void,
): Promise<readonly (readonly Float32Array[])[]> {
  const paths = resolvePaths(process.env, process.platform)
  const state = mkdtempSync(join(tmpdir(), 'spillway-learning-'))
  const { small } = policySchema.parse({
    models: { small: { provider: 'embedded', model: 'smollm2-135m-instruct', tier: 'local_fast', threads: 1 } },
  }).models
  if (!small) throw new Error('the model is not in its own policy')
  const port = openEmbeddedModel({
    name: 'small',
    policy: small,
    paths: { ...paths, stateDir: state },
    env: process.env,
  })
  const embed = port.embed
  if (!embed) throw new Error('the model cannot embed')
  const read = async (text: string, frame: EmbedFrame): Promise<readonly number[]> =>
    (await embed(text, PATIENT, frame)).vector
  try {
    const views: (readonly Float32Array[])[] = []
    for (const frame of frames) views.push(await keptVectors(rows, { frame, read, cacheDir: paths.cacheDir, told }))
    return rows.map((_, row) => views.flatMap((view) => view[row] ?? []))
  } finally {
    await port.close()
    rmSync(state, { recursive: true, force: true })
  }
}

interface RawRow {
  readonly id: string
  readonly input: string
  readonly answers: readonly string[]
  readonly labels: readonly string[]
}

const MS = 600_000
const PATIENT: CallLimits = {
  signal: new AbortController().signal,
  deadlines: { connectMs: MS, firstByteMs: MS, idleMs: MS, totalMs: MS },
}

interface Keeping {
  readonly frame: EmbedFrame
  readonly read: (text: string, frame: EmbedFrame) => Promise<readonly number[]>
  readonly cacheDir: string
  readonly told: (done: number) => void
}

/** One file a frame and row order: little-endian 32-bit floats, row after row; a run that was stopped goes on there. */
async function keptVectors(rows: readonly StreamRow[], keeping: Keeping): Promise<readonly Float32Array[]> {
  const { frame, read, cacheDir, told } = keeping
  const name = createHash('sha256').update(JSON.stringify([embeddingRecipe(frame), rows[0]?.text ?? '']))
  const file = join(cacheDir, 'streams', `${name.digest('hex').slice(0, 16)}.f32`)
  mkdirSync(join(cacheDir, 'streams'), { recursive: true })
  let size = 0
  let done = 0
  if (existsSync(file)) {
    size = new Uint32Array(readFileSync(file).buffer.slice(0, 4))[0] ?? 0
    done = Math.floor((readFileSync(file).length - 4) / (4 * size))
    truncateSync(file, 4 + done * size * 4)
  }
  for (const { text } of rows.slice(done)) {
    const vector = Float32Array.from(await read(text, frame))
    if (size === 0) {
      size = vector.length
      appendFileSync(file, Buffer.from(Uint32Array.of(size).buffer))
    }
    appendFileSync(file, Buffer.from(vector.buffer))
    told(++done)
  }
  const bytes = readFileSync(file)
  const numbers = new Float32Array(bytes.buffer.slice(bytes.byteOffset + 4, bytes.byteOffset + bytes.length))
  return rows.map((_, row) => numbers.slice(row * size, (row + 1) * size))
}
