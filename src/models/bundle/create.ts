import { createHash } from 'node:crypto'
import { createReadStream, createWriteStream } from 'node:fs'
import { readdir, rename, rm, stat } from 'node:fs/promises'
import { basename, join, relative, resolve, sep } from 'node:path'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { RouterError } from '../../spec/errors.ts'
import { engineState } from '../embedded/install.ts'
import { cachedSha256, sha256OfFile } from '../fetch/digest.ts'
import { locateModel } from '../fetch/locate.ts'
import { asCancelled, asDiskError, requireDiskSpace } from '../fetch/source.ts'
import type { Paths } from '../paths.ts'
import { type BundledModel, type BundleFile, type BundleManifest, MANIFEST_NAME, unsafePath } from './manifest.ts'
import { TAR_END, tarHeader, tarPadding } from './tar.ts'

export interface CreateBundleRequest {
  readonly file: string
  /** Names of the catalogue or the registry, whose files are on this machine. */
  readonly models: readonly string[]
  readonly engine: 'with' | 'without'
  readonly paths: Paths
  readonly signal: AbortSignal
}

export interface CreatedBundle {
  readonly file: string
  readonly sizeBytes: number
  readonly manifest: BundleManifest
}

/**
 * Writes models, and the engine of this platform, into one tar file for a machine without network. Streams: memory stays
 * small whatever the models weigh. An interrupted call leaves nothing.
 *
 * @throws RouterError usage (a split model), not_found, model_file_missing, checksum_mismatch, engine_not_installed, disk_full, cancelled
 */
export async function createBundle(request: CreateBundleRequest): Promise<CreatedBundle> {
  const models = await Promise.all([...new Set(request.models)].map((name) => modelOf(name, request)))
  const engine = request.engine === 'with' ? await engineOf(request) : null
  const sources = [...models.map(({ source }) => source), ...(engine?.sources ?? [])]
  const manifest: BundleManifest = {
    format: 1,
    platform: `${process.platform}-${process.arch}`,
    engine: engine && { version: engine.version, variant: engine.variant },
    models: models.map(({ model }) => model),
    files: sources.map(({ file }) => file),
  }
  const target = resolve(request.file)
  const total = manifest.files.reduce((sum, { sizeBytes }) => sum + sizeBytes + 1024, 0)
  await requireDiskSpace(target, resolve(target, '..'), total)
  const draft = `${target}.${process.pid}.part`
  try {
    await pipeline(Readable.from(archive(manifest, sources)), createWriteStream(draft, { mode: 0o644 }), {
      signal: request.signal,
    })
    await rename(draft, target)
  } catch (error) {
    throw asCancelled(asDiskError(error, target), `bundle ${basename(target)}`, request.signal)
  } finally {
    await rm(draft, { force: true })
  }
  return { file: target, sizeBytes: (await stat(target)).size, manifest }
}

interface Source {
  readonly file: BundleFile
  /** Where it lies on this machine. */
  readonly from: string
}

async function modelOf(
  name: string,
  { paths, signal }: CreateBundleRequest,
): Promise<{ readonly model: BundledModel; readonly source: Source }> {
  const place = locateModel({ name, path: null, env: {}, paths })
  if (!place.exists) throw new RouterError('model_file_missing', { model: name, path: place.path })
  if (/-\d{5}-of-\d{5}\.gguf$/i.test(place.path)) {
    const fix = 'Join its parts with `llama-gguf-split --merge`, and add the whole file.'
    throw new RouterError('usage', { problem: `${name} is split into several files`, fix })
  }
  const sha256 = await cachedSha256(place.path, paths.cacheDir, signal)
  if (place.sha256 !== null && place.sha256 !== sha256)
    throw new RouterError('checksum_mismatch', { path: place.path, actual: sha256, expected: place.sha256 })
  const path = bundledPath(name, basename(place.path))
  const { size: sizeBytes } = await stat(place.path)
  return {
    model: { name, file: path, sha256 },
    source: { from: place.path, file: { path, sizeBytes, sha256, executable: false } },
  }
}

/** A file may have any name here; a name in a bundle must work on every system. @throws RouterError usage */
function bundledPath(name: string, file: string): string {
  if (unsafePath(name) !== null) {
    const fix = `Register the file under another with \`spillway models add FILE --name ${name.replaceAll(':', '-')}\`.`
    throw new RouterError('usage', { problem: `${name} cannot be the name of a folder on every system`, fix })
  }
  return `models/${name}/${unsafePath(file) === null ? file : 'model.gguf'}`
}

async function engineOf({ paths, signal }: CreateBundleRequest) {
  const { installed, version, variant, path } = await engineState(paths)
  if (!installed) throw new RouterError('engine_not_installed', { path })
  const sources: Source[] = []
  // One after another: thousands of open files would run into the system's limit.
  for (const from of await plainFiles(path)) {
    const { size: sizeBytes, mode } = await stat(from)
    const name = `engine/${version}-${variant}/${relative(path, from).split(sep).join('/')}`
    const sha256 = await sha256OfFile(from, signal)
    sources.push({ from, file: { path: name, sizeBytes, sha256, executable: (mode & 0o100) !== 0 } })
  }
  return { version, variant, sources }
}

/** Without links: `node_modules/.bin` holds nothing else, and the engine runs without it. */
async function plainFiles(folder: string): Promise<readonly string[]> {
  const entries = await readdir(folder, { withFileTypes: true, recursive: true })
  return entries
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name))
    .sort()
}

async function* archive(manifest: BundleManifest, sources: readonly Source[]): AsyncGenerator<Buffer> {
  const text = Buffer.from(`${JSON.stringify(manifest, null, 1)}\n`)
  yield tarHeader({ path: MANIFEST_NAME, sizeBytes: text.length, executable: false })
  yield text
  yield tarPadding(text.length)
  for (const { file, from } of sources) {
    if (unsafePath(file.path) !== null) throw new RouterError('internal', { problem: `${file.path} cannot be bundled` })
    yield tarHeader(file)
    const hash = createHash('sha256')
    for await (const piece of createReadStream(from, { highWaterMark: READ_BYTES }) as AsyncIterable<Buffer>) {
      hash.update(piece)
      yield piece
    }
    const actual = hash.digest('hex')
    if (actual !== file.sha256)
      throw new RouterError('checksum_mismatch', { path: from, actual, expected: file.sha256 })
    yield tarPadding(file.sizeBytes)
  }
  yield TAR_END
}

const READ_BYTES = 1024 * 1024
