import { readdirSync, readFileSync, readlinkSync, realpathSync, statSync } from 'node:fs'
import { homedir } from 'node:os'
import { basename, extname, isAbsolute, join, relative, sep } from 'node:path'
import { toRouterError } from '../spec/errors.ts'
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
  /** The file itself, links followed. */
  readonly path: string
  readonly sizeBytes: number
  readonly architecture: string
  readonly quantisation: string | null
  readonly contextTokens: number
  /** Lower-case hex, when the store names its files by it; not recomputed. */
  readonly sha256: string | null
}

/** A file that looks like a model and cannot be used. */
export interface UnusableFile {
  readonly name: string
  readonly store: Store
  readonly path: string
  readonly why: string
}

export interface ScanResult {
  readonly found: readonly FoundModel[]
  readonly unusable: readonly UnusableFile[]
  /** The folders that exist and were read. */
  readonly folders: readonly { readonly store: Store; readonly path: string }[]
}

type Environment = Readonly<Record<string, string | undefined>>

/**
 * Looks for GGUF files of Ollama, LM Studio, llama.cpp, the Hugging Face cache and our own folder. Reads directories,
 * manifests and headers, loads nothing and changes nothing. A file that two names lead to is listed under each.
 *
 * @param env OLLAMA_MODELS, LLAMA_CACHE, HF_HOME and HF_HUB_CACHE move a store; HOME is the home folder
 */
export function scanStores(env: Environment, paths: Paths): ScanResult {
  const folders = storeFolders(env, paths).filter(({ path }) => isFolder(path))
  const candidates = folders.flatMap((folder) => CANDIDATES[folder.store](folder.path))
  const looked = candidates.map((candidate) => look(candidate))
  return {
    found: looked.filter((item): item is FoundModel => !('why' in item)),
    unusable: looked.filter((item): item is UnusableFile => 'why' in item),
    folders,
  }
}

interface Candidate {
  readonly name: string
  readonly store: Store
  readonly path: string
  readonly sha256: string | null
}

function storeFolders(env: Environment, paths: Paths): ScanResult['folders'] {
  const home = env.HOME ?? env.USERPROFILE ?? homedir()
  const hugging = env.HF_HUB_CACHE ?? join(env.HF_HOME ?? join(home, '.cache', 'huggingface'), 'hub')
  return [
    { store: 'ollama', path: env.OLLAMA_MODELS ?? join(home, '.ollama', 'models') },
    { store: 'lm_studio', path: join(home, '.lmstudio', 'models') },
    { store: 'lm_studio', path: join(home, '.cache', 'lm-studio', 'models') },
    { store: 'llama_cpp', path: env.LLAMA_CACHE ?? join(home, '.cache', 'llama.cpp') },
    { store: 'hugging_face', path: hugging },
    { store: 'spillway', path: join(paths.dataDir, 'models') },
  ]
}

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

function look(candidate: Candidate): FoundModel | UnusableFile {
  const path = realPath(candidate.path)
  const { name, store, sha256 } = candidate
  try {
    const { architecture, quantisation, contextTokens, fileBytes } = readGgufHeader(path)
    return { name, store, path, sizeBytes: fileBytes, architecture, quantisation, contextTokens, sha256 }
  } catch (error) {
    const failure = toRouterError(error)
    const why =
      failure.code === 'model_file_missing' ? 'the file is missing' : String(failure.values.problem ?? failure.message)
    return { name, store, path, why }
  }
}

/** `publisher/repository/file.gguf` without the ending. */
function named(folder: string, path: string): { readonly name: string } {
  return { name: relative(folder, path).split(sep).join('/').slice(0, -extname(path).length) }
}

function stem(path: string): string {
  return basename(path, extname(path))
}

function ggufFiles(folder: string): readonly string[] {
  // A vision part (mmproj) is no language model, and of a split model the first file leads to the others.
  return filesBelow(folder).filter(
    (path) => /\.gguf$/i.test(path) && !/^mmproj/i.test(basename(path)) && !isLaterPart(path),
  )
}

function isLaterPart(path: string): boolean {
  const part = /-(\d{5})-of-\d{5}\.gguf$/i.exec(path)?.[1]
  return part !== undefined && part !== '00001'
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

function realPath(path: string): string {
  try {
    return realpathSync(path)
  } catch {
    return path
  }
}
