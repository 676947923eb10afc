import { existsSync } from 'node:fs'
import { basename, join, resolve } from 'node:path'
import { RouterError } from '../../spec/errors.ts'
import { CATALOG, type CatalogEntry, findInCatalog } from '../catalog.ts'
import type { Paths } from '../paths.ts'

/** Where a model's file is, or would be. */
export interface ModelPlace {
  readonly path: string
  readonly exists: boolean
  /** The pinned hash, lower-case hex; null for a file given by path. */
  readonly sha256: string | null
}

export interface LocateRequest {
  /** A catalogue name; any name when a path is given. */
  readonly name: string
  readonly path: string | null
  readonly env: NodeJS.ProcessEnv
  readonly paths: Paths
}

/**
 * Looks for a model's file on this machine: the given path, then SPILLWAY_MODEL_PATH, then where `obtainModel` puts it.
 *
 * @throws RouterError not_found when the name is not in the catalogue and no path is given
 */
export function locateModel(request: LocateRequest): ModelPlace {
  const given = givenPath(request)
  if (given !== null) return { path: given, exists: existsSync(given), sha256: null }
  const entry = findInCatalog(request.name)
  if (entry === null) throw unknownModel(request.name)
  const places = placesOf(entry, modelFolder(request.paths, request.name))
  const found = places.find((place) => existsSync(place.path))
  const first = places[0]
  if (found !== undefined) return { ...found, exists: true }
  if (first !== undefined) return { ...first, exists: false }
  throw unknownModel(request.name)
}

/** The caller's own file, or null; an empty variable counts as unset. */
export function givenPath(request: Pick<LocateRequest, 'path' | 'env'>): string | null {
  const given = request.path ?? request.env.SPILLWAY_MODEL_PATH
  return given === undefined || given === '' ? null : resolve(given)
}

/** Where the files of one catalogue model are kept. */
export function modelFolder(paths: Paths, name: string): string {
  return join(paths.dataDir, 'models', name)
}

/** One place a source, with the hash it must have. */
export function placesOf(
  entry: CatalogEntry,
  folder: string,
): readonly { readonly path: string; readonly sha256: string | null }[] {
  const hub = entry.hub === null ? [] : [{ path: join(folder, entry.hub.file), sha256: entry.hub.sha256 }]
  const wheel =
    entry.wheel === null ? [] : [{ path: join(folder, basename(entry.wheel.member)), sha256: entry.wheel.sha256 }]
  return [...hub, ...wheel]
}

/** The error for a name that is neither in the catalogue nor given with a path. */
export function unknownModel(name: string): RouterError {
  const known = CATALOG.map((entry) => entry.name).join(', ')
  return new RouterError('not_found', {
    subject: 'model',
    value: name,
    fix: `Use one of ${known}, or set path to a GGUF file.`,
  })
}
