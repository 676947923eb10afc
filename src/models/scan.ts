import { readdirSync, readFileSync, readlinkSync, realpathSync, statSync } from 'node:fs'
import { homedir } from 'node:os'
import { basename, extname, isAbsolute, join, relative, sep } from 'node:path'
import { type RouterError, toRouterError } from '../spec/errors.ts'
import { readGgufHeader } from './embedded/gguf.ts'
import type { Paths } from './paths.ts'

export const STORES = ['ollama', 'lm_studio', 'llama_cpp', 'hugging_face', 'spillway'] as const

/** A program that keeps model files on this machine. */
export type Store = (typeof STORES)[number]

/** A model file of another program, or our own. */
export interface FoundModel {
  /** As its program names it; can be given to `models add`. */
  readonly name: string
  readonly store: Store
  /** The file itself, links followed; of a split model its first part, which leads to the others by name. */
  readonly path: string
  readonly sizeBytes: number
  readonly architecture: string
  readonly quantisation: string | null
  readonly contextTokens: number
  /** Lower-case hex, when the store names its files by it; not recomputed. Of a split model that of its first part. */
  readonly sha256: string | null
}

/** A file that looks like a model and cannot be used. */
export interface UnusableFile {
  readonly name: string
  readonly store: Store
  readonly path: string
  readonly why: string
}

/** A file that belongs to a model and is none by itself. */
export interface PartFile {
  readonly name: string
  readonly store: Store
  readonly path: string
  /** vision: turns images into input of another model (mmproj). later_part: of a split model, whose first part is listed. */
  readonly part: 'vision' | 'later_part'
}

export interface ScanResult {
  readonly found: readonly FoundModel[]
  readonly unusable: readonly UnusableFile[]
  readonly parts: readonly PartFile[]
  /** The folders that exist and were read. */
  readonly folders: readonly { readonly store: Store; readonly path: string }[]
}

type Environment = Readonly<Record<string, string | undefined>>

/**
 * Looks for GGUF files of Ollama, LM Studio, llama.cpp, the Hugging Face cache and our own folder. Reads directories,
 * manifests and headers, loads nothing and changes nothing. A file that two names lead to is listed under each.
 *
 * @param env OLLAMA_MODELS, LLAMA_CACHE, HF_HOME, HF_HUB_CACHE and XDG_CACHE_HOME move a store, as they do for the
 * programs themselves; HOME is the home folder
 */
export function scanStores(env: Environment, paths: Paths): ScanResult {
  const folders = storeFolders(env, paths, process.platform).filter(({ path }) => isFolder(path))
  const candidates = folders.flatMap((folder) => CANDIDATES[folder.store](folder.path))
  const names = new Set(candidates.map(({ path }) => path))
  const looked = candidates.map((candidate) => look(candidate, names))
  return {
    found: looked.filter((item): item is FoundModel => 'sizeBytes' in item),
    unusable: looked.filter((item): item is UnusableFile => 'why' in item),
    parts: looked.filter((item): item is PartFile => 'part' in item),
    folders,
  }
}

interface Candidate {
  readonly name: string
  readonly store: Store
  readonly path: string
  readonly sha256: string | null
}

/**
 * Where each program keeps its files, whether or not it is installed. An empty variable counts as unset.
 *
 * @see llama.cpp, `fs_get_cache_directory`; the FAQ of Ollama, which runs as a service of its own user on Linux
 */
export function storeFolders(env: Environment, paths: Paths, platform: NodeJS.Platform): ScanResult['folders'] {
  const home = env.HOME || env.USERPROFILE || homedir()
  const cache = env.XDG_CACHE_HOME || join(home, '.cache')
  const hugging = env.HF_HUB_CACHE || join(env.HF_HOME || join(cache, 'huggingface'), 'hub')
  const llamaCpp: Partial<Record<NodeJS.Platform, string>> = {
    darwin: join(home, 'Library', 'Caches'),
    win32: env.LOCALAPPDATA || join(home, 'AppData', 'Local'),
  }
  const ollama = env.OLLAMA_MODELS
    ? [env.OLLAMA_MODELS]
    : [join(home, '.ollama', 'models'), ...(platform === 'linux' ? [OLLAMA_SERVICE_FOLDER] : [])]
  return [
    ...ollama.map((path) => ({ store: 'ollama', path }) as const),
    { store: 'lm_studio', path: join(home, '.lmstudio', 'models') },
    { store: 'lm_studio', path: join(home, '.cache', 'lm-studio', 'models') },
    { store: 'llama_cpp', path: env.LLAMA_CACHE || join(llamaCpp[platform] ?? cache, 'llama.cpp') },
    { store: 'hugging_face', path: hugging },
    { store: 'spillway', path: join(paths.dataDir, 'models') },
  ]
}

const OLLAMA_SERVICE_FOLDER = '/usr/share/ollama/.ollama/models'

const CANDIDATES: Readonly<Record<Store, (folder: string) => readonly Candidate[]>> = {
  ollama: ollamaModels,
  lm_studio: (folder) =>
    ggufFiles(folder).map((path) => ({ store: 'lm_studio', path, sha256: null, ...named(folder, path) })),
  llama_cpp: (folder) =>
    ggufFiles(folder).map((path) => ({ store: 'llama_cpp', path, sha256: null, name: stem(path) })),
  hugging_face: huggingFaceModels,
  spillway: (folder) => ggufFiles(folder).map((path) => ({ store: 'spillway', path, sha256: null, name: stem(path) })),
}

const OLLAMA_MODEL_LAYER = 'application/vnd.ollama.image.model'

/** Each tag is a manifest; its model layer names the blob that holds the GGUF file. */
function ollamaModels(folder: string): readonly Candidate[] {
  const manifests = join(folder, 'manifests')
  return filesBelow(manifests).flatMap((file) => {
    const digest = modelDigest(file)
    if (digest === null) return []
    const parts = relative(manifests, file).split(sep)
    const [tag = ''] = parts.slice(-1)
    // `registry.ollama.ai/library/qwen3/8b` is what people call `qwen3:8b`.
    const owner = parts.slice(parts[1] === 'library' ? 2 : 1, -1).join('/')
    const path = join(folder, 'blobs', `sha256-${digest}`)
    return [{ store: 'ollama', name: `${owner}:${tag}`, path, sha256: digest }]
  })
}

/** The hex digest of a manifest's model layer; null for anything that is not such a manifest. */
function modelDigest(manifest: string): string | null {
  try {
    if (statSync(manifest).size > MAX_MANIFEST_BYTES) return null
    const { layers } = JSON.parse(readFileSync(manifest, 'utf8')) as { readonly layers?: unknown }
    const layer = (Array.isArray(layers) ? layers : []).find(
      (item: { readonly mediaType?: unknown } | null) => item?.mediaType === OLLAMA_MODEL_LAYER,
    ) as { readonly digest?: unknown } | undefined
    // The digest becomes a file name, so nothing but hex may come through.
    return /^sha256:([0-9a-f]{64})$/.exec(String(layer?.digest))?.[1] ?? null
  } catch {
    return null
  }
}

/** Real manifests have under 2 KB. */
const MAX_MANIFEST_BYTES = 1_000_000

/** `models--owner--repository/snapshots/<commit>/file.gguf`, a link to a blob that is named by its sha256. */
function huggingFaceModels(folder: string): readonly Candidate[] {
  return ggufFiles(folder)
    .filter((path) => relative(folder, path).split(sep)[1] === 'snapshots')
    .map((path) => {
      const repository = (relative(folder, path).split(sep)[0] ?? '').replace(/^models--/, '').replaceAll('--', '/')
      const blob = linkTarget(path)
      const sha256 = /^[0-9a-f]{64}$/.test(blob) ? blob : null
      return { store: 'hugging_face', name: `${repository}/${basename(path)}`, path, sha256 } as const
    })
}

/** The name of what a link points at; empty for a file that is no link. */
function linkTarget(path: string): string {
  try {
    return basename(readlinkSync(path))
  } catch {
    return ''
  }
}

function look(candidate: Candidate, all: ReadonlySet<string>): FoundModel | UnusableFile | PartFile {
  const path = modelPath(candidate.path)
  const { name, store, sha256 } = candidate
  const first = firstPart(candidate.path)
  if (first !== null && first !== candidate.path)
    return all.has(first)
      ? { name, store, path, part: 'later_part' }
      : { name, store, path, why: `the first part of the model, ${basename(first)}, is missing` }
  if (VISION_NAME.test(basename(candidate.path))) return { name, store, path, part: 'vision' }
  try {
    const { architecture, quantisation, contextTokens, fileBytes } = readGgufHeader(path)
    return { name, store, path, sizeBytes: fileBytes, architecture, quantisation, contextTokens, sha256 }
  } catch (error) {
    const why = whyUnusable(toRouterError(error), path)
    return VISION_HEADER.test(why) ? { name, store, path, part: 'vision' } : { name, store, path, why }
  }
}

/** As llama.cpp, LM Studio and nearly all publishers name it. */
const VISION_NAME = /mmproj/i
/** Its architecture, `clip`, gives no layers of a language model. */
const VISION_HEADER = /^its architecture clip /

function whyUnusable(failure: RouterError, path: string): string {
  if (failure.code !== 'model_file_missing') return String(failure.values.problem ?? failure.message)
  const missing = String(failure.values.path)
  return missing === path ? 'the file is missing' : `its part ${basename(missing)} is missing`
}

/**
 * The file that is to be opened: links followed, so that a store that is tidied up does not take the name with it. The
 * parts of a split model are found by name, so its first part keeps the one it has.
 */
export function modelPath(path: string): string {
  if (firstPart(path) !== null) return path
  try {
    return realpathSync(path)
  } catch {
    return path
  }
}

/** The first part of the split model that a file is a part of, by its name; null for a whole model. */
function firstPart(path: string): string | null {
  const [, start, end] = /^(.*-)\d{5}(-of-\d{5}\.gguf)$/i.exec(path) ?? []
  return start === undefined ? null : `${start}00001${end}`
}

/** `publisher/repository/file.gguf` without the ending. */
function named(folder: string, path: string): { readonly name: string } {
  return { name: relative(folder, path).split(sep).join('/').slice(0, -extname(path).length) }
}

function stem(path: string): string {
  return basename(path, extname(path))
}

function ggufFiles(folder: string): readonly string[] {
  return filesBelow(folder).filter((path) => /\.gguf$/i.test(path))
}

/** Stores are at most 5 folders deep; links to folders are not followed, so that no loop can hold the scan. */
const MAX_DEPTH = 8

function filesBelow(folder: string, depth = 0): readonly string[] {
  if (depth > MAX_DEPTH) return []
  return entries(folder).flatMap((entry) => {
    const path = join(folder, entry.name)
    if (entry.isDirectory()) return filesBelow(path, depth + 1)
    return entry.isFile() || (entry.isSymbolicLink() && !isFolder(path)) ? [path] : []
  })
}

function entries(folder: string) {
  try {
    return readdirSync(folder, { withFileTypes: true }).sort((a, b) => a.name.localeCompare(b.name))
  } catch {
    // Another user's folder, or one that went away meanwhile: there is nothing to find in it.
    return []
  }
}

function isFolder(path: string): boolean {
  try {
    return isAbsolute(path) && statSync(path).isDirectory()
  } catch {
    return false
  }
}
