import { existsSync } from 'node:fs'
import { basename, join, resolve } from 'node:path'
import { RouterError } from '../../spec/errors.ts'
import { meant } from '../../spec/suggest.ts'
import { findOpenModel } from '../catalog/open-models.ts'
import { CATALOG, type CatalogEntry, findInCatalog } from '../catalog.ts'
import type { Paths } from '../paths.ts'
import { findRegistered } from '../registry.ts'

/** Where a model's file is, or would be. */
export interface ModelPlace {
  readonly path: string
  readonly exists: boolean
  /** The pinned hash, lower-case hex; null for a file given by path, or registered without one. */
  readonly sha256: string | null
}

export interface LocateRequest {
  /** A name of the catalogue or of the registry; any name when a path is given. */
  readonly name: string
  readonly path: string | null
  readonly env: NodeJS.ProcessEnv
  readonly paths: Paths
}

/**
 * Looks for a model's file on this machine: the given path, then SPILLWAY_MODEL_PATH, then a registered file, then where
 * `obtainModel` puts it.
 *
 * @throws RouterError not_found when the name is not known and no path is given; model_file_invalid (the registry)
 */
export function locateModel(request: LocateRequest): ModelPlace {
  const given = givenPath(request)
  if (given !== null) return { path: given, exists: existsSync(given), sha256: null }
  const entry = findInCatalog(request.name)
  if (entry === null) return registeredPlace(request)
  const places = placesOf(entry, modelFolder(request.paths, request.name))
  const found = places.find((place) => existsSync(place.path))
  const first = places[0]
  if (found !== undefined) return { ...found, exists: true }
  if (first !== undefined) return { ...first, exists: false }
  throw unknownModel(request.name)
}

function registeredPlace({ name, paths }: LocateRequest): ModelPlace {
  const registered = findRegistered(paths, name)
  if (registered === null) throw unknownModel(name)
  return { path: registered.path, exists: existsSync(registered.path), sha256: registered.sha256 }
}

/** The file of a catalogue model, when an earlier call fetched it; its checksum is verified when it is loaded. */
export function fileOnDisk(entry: CatalogEntry, paths: Paths): string | null {
  const places = placesOf(entry, modelFolder(paths, entry.name))
  return places.find(({ path }) => existsSync(path))?.path ?? null
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

/** The error for a name that is neither in the catalogue nor registered nor given with a path. */
export function unknownModel(name: string): RouterError {
  const open = findOpenModel(name)
  if (open !== null) {
    const reference = open.reference ?? 'hf:OWNER/REPOSITORY/FILE.gguf'
    const which = reference.endsWith('.gguf') ? reference : `${reference}/FILE.gguf`
    const fix = `It has no pinned file. Name one: \`spillway models pull ${which} --name ${name}\`, or \`spillway models add FILE --name ${name}\`.`
    return new RouterError('not_found', { subject: 'file for model', value: name, fix })
  }
  const known = CATALOG.map((entry) => entry.name)
  return new RouterError('not_found', {
    subject: 'model',
    value: name,
    fix: meant(name, known, `Use one of ${known.join(', ')}, or set path to a GGUF file.`),
  })
}
