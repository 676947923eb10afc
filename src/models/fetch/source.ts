import { statfs } from 'node:fs/promises'
import { RouterError } from '../../spec/errors.ts'
import type { CatalogEntry } from '../catalog.ts'
import type { Paths } from '../paths.ts'

export type SourceName = 'path' | 'hub' | 'pypi' | 'url'

export interface FetchProgress {
  readonly source: SourceName | 'cache'
  readonly phase: 'waiting' | 'connecting' | 'downloading' | 'extracting' | 'verifying' | 'skipped' | 'done'
  /** Bytes that are on disk so far; null when the source cannot tell. */
  readonly receivedBytes: number | null
  readonly totalBytes: number | null
  /** One sentence for people. */
  readonly detail: string
}

export interface FetchRequest {
  /** The catalogue name, or the caller's own for a file given by path. */
  readonly name: string
  readonly path: string | null
  readonly entry: CatalogEntry | null
  readonly env: NodeJS.ProcessEnv
  readonly paths: Paths
  /** `<dataDir>/models/<name>`; exists. */
  readonly folder: string
  readonly signal: AbortSignal
  readonly report: (progress: FetchProgress) => void
}

export interface FetchedFile {
  readonly path: string
  readonly sha256: string
}

/**
 * One place a model file can come from. `fetch` returns null when the request gives this source nothing to try, and
 * throws a RouterError when it tried and failed; the next source is then asked.
 */
export interface ModelSource {
  readonly name: SourceName
  fetch(request: FetchRequest): Promise<FetchedFile | null>
}

/** Room that must stay free beside the file, so that a full disk does not stop the rest of the machine. */
const SPARE_BYTES = 64 * 1024 * 1024

/** @throws RouterError disk_full, whose message has both figures, when `bytes` and a spare 64 MiB do not fit beside `path` */
export async function requireDiskSpace(path: string, folder: string, bytes: number): Promise<void> {
  const disk = await statfs(folder)
  const free = disk.bavail * disk.bsize
  if (free >= bytes + SPARE_BYTES) return
  const megabytes = (count: number): string => `${Math.ceil(count / 1_000_000)} MB`
  const needBytes = bytes + SPARE_BYTES
  const told = `${path}, which needs ${megabytes(needBytes)} where ${megabytes(free)} are free`
  throw new RouterError('disk_full', { path: told, needBytes, freeBytes: free })
}

/** Turns what a write threw into `disk_full` when that is what happened; anything else comes back unchanged. */
export function asDiskError(error: unknown, path: string): unknown {
  const code = (error as NodeJS.ErrnoException | null)?.code
  return code === 'ENOSPC' || code === 'EDQUOT' ? new RouterError('disk_full', { path }, error) : error
}

/** Turns what an aborted call threw into `cancelled`; anything else comes back unchanged. @param what is being done */
export function asCancelled(error: unknown, what: string, signal: AbortSignal): unknown {
  return signal.aborted && !(error instanceof RouterError)
    ? new RouterError('cancelled', { requestId: what }, error)
    : error
}
