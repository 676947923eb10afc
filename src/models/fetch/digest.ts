import { createHash } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { mkdir, readFile, rename, stat, writeFile } from 'node:fs/promises'
import { basename, join } from 'node:path'
import { pipeline } from 'node:stream/promises'
import { asCancelled } from './source.ts'

/** Lower-case hex sha256 of a file, read once. @throws RouterError cancelled; whatever reading throws */
export async function sha256OfFile(file: string, signal: AbortSignal): Promise<string> {
  const hash = createHash('sha256')
  try {
    await pipeline(createReadStream(file, { highWaterMark: READ_BYTES }), hash, { signal })
  } catch (error) {
    throw asCancelled(error, `reading of ${basename(file)}`, signal)
  }
  return hash.digest('hex')
}

/** Larger reads than the default 64 KiB halve the time for a 98 MB file. */
const READ_BYTES = 1024 * 1024

interface DigestRecord {
  readonly file: string
  readonly sizeBytes: number
  readonly modifiedMs: number
  readonly sha256: string
}

/**
 * The file's sha256, from a small record in the cache directory when size and modification time are what they were,
 * else by reading the file. The records are not beside the file, which may lie in a folder that is not ours.
 */
export async function cachedSha256(file: string, cacheDir: string, signal: AbortSignal): Promise<string> {
  const { size, mtimeMs } = await stat(file)
  const known = await readRecord(recordFile(file, cacheDir))
  if (known?.file === file && known.sizeBytes === size && known.modifiedMs === mtimeMs) return known.sha256
  const sha256 = await sha256OfFile(file, signal)
  await writeRecord(recordFile(file, cacheDir), { file, sizeBytes: size, modifiedMs: mtimeMs, sha256 })
  return sha256
}

function recordFile(file: string, cacheDir: string): string {
  return join(cacheDir, 'digests', `${createHash('sha256').update(file).digest('hex').slice(0, 32)}.json`)
}

async function readRecord(path: string): Promise<DigestRecord | null> {
  try {
    return JSON.parse(await readFile(path, 'utf8')) as DigestRecord
  } catch {
    return null
  }
}

/** A cache that cannot be written costs time, not correctness. */
async function writeRecord(path: string, record: DigestRecord): Promise<void> {
  try {
    await mkdir(join(path, '..'), { recursive: true })
    const draft = `${path}.${process.pid}`
    await writeFile(draft, JSON.stringify(record))
    await rename(draft, path)
  } catch {
    return
  }
}
