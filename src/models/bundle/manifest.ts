import { isModelName } from '../registry.ts'

/** One file of a bundle. */
export interface BundleFile {
  /** Relative, with `/`: below `models/<name>/` or `engine/<version>-<variant>/`. */
  readonly path: string
  readonly sizeBytes: number
  /** Lower-case hex. */
  readonly sha256: string
  readonly executable: boolean
}

export interface BundledModel {
  readonly name: string
  /** The path of one of the files. */
  readonly file: string
  readonly sha256: string
}

/** The first file of a bundle: everything that must follow, and nothing else may. */
export interface BundleManifest {
  readonly format: 1
  /** Of the machine that made it, such as linux-x64; the engine runs on no other. */
  readonly platform: string
  readonly engine: { readonly version: string; readonly variant: string } | null
  readonly models: readonly BundledModel[]
  readonly files: readonly BundleFile[]
}

export const MANIFEST_NAME = 'manifest.json'
/** That of the engine's 2,800 files has under 1 MB. */
export const MAX_MANIFEST_BYTES = 16 * 1024 * 1024

const SHA256 = /^[0-9a-f]{64}$/
/** A folder or file name without separators, drive letters, control characters, or the dots that lead upwards. */
const SEGMENT = /^(?!\.{1,2}$)[^/\\:*?"<>|\p{Cc}]{1,200}$/u

/** @returns what is wrong with it, as the end of a sentence; null when it is a manifest whose every path is safe */
export function manifestProblem(value: unknown): string | null {
  const manifest = (value ?? {}) as Partial<Record<keyof BundleManifest, unknown>>
  if (manifest.format !== 1) return `its format ${String(manifest.format)} is not 1`
  if (typeof manifest.platform !== 'string') return 'its manifest names no platform'
  if (!isEngine(manifest.engine)) return 'its manifest describes the engine wrongly'
  const { files, models } = manifest
  if (!Array.isArray(files) || !Array.isArray(models)) return 'its manifest lists no files'
  const wrong = files.find((file) => !isFile(file))
  if (wrong !== undefined)
    return `its manifest describes a file wrongly (${String((wrong as { path?: unknown } | null)?.path)})`
  const engineFolder = manifest.engine === null ? null : `${manifest.engine.version}-${manifest.engine.variant}`
  const problem = pathProblem(files, engineFolder)
  if (problem !== null) return problem
  return models.every((model) => isModel(model, files)) ? null : 'its manifest names a model without its file'
}

function pathProblem(files: readonly BundleFile[], engineFolder: string | null): string | null {
  const seen = new Set<string>()
  for (const { path } of files) {
    const unsafe = unsafePath(path)
    if (unsafe !== null) return unsafe
    const [top = '', second = ''] = path.split('/')
    const expected = top === 'models' ? isModelName(second) : top === 'engine' && second === engineFolder
    if (!expected || path.split('/').length < 3) return `the path ${path} is not one of a bundle`
    // Some file systems take the two for one file.
    if (seen.has(path.toLowerCase())) return `it holds ${path} twice`
    seen.add(path.toLowerCase())
  }
  return null
}

/** @returns why a path must not be written, as the end of a sentence; null for a safe one */
export function unsafePath(path: string): string | null {
  if (/^([/\\]|[A-Za-z]:)/.test(path)) return `it holds the absolute path ${path}`
  if (path.split(/[/\\]/).includes('..')) return `it holds the path ${path}, which leads out of its folder`
  return path.split('/').every((segment) => SEGMENT.test(segment)) ? null : `it holds the unusable path ${path}`
}

function isEngine(value: unknown): value is BundleManifest['engine'] {
  if (value === null) return true
  const { version, variant } = (value ?? {}) as { readonly version?: unknown; readonly variant?: unknown }
  return typeof version === 'string' && typeof variant === 'string'
}

function isFile(value: unknown): value is BundleFile {
  const { path, sizeBytes, sha256, executable } = (value ?? {}) as Partial<Record<keyof BundleFile, unknown>>
  return (
    typeof path === 'string' &&
    Number.isSafeInteger(sizeBytes) &&
    (sizeBytes as number) >= 0 &&
    typeof sha256 === 'string' &&
    SHA256.test(sha256) &&
    typeof executable === 'boolean'
  )
}

function isModel(value: unknown, files: readonly BundleFile[]): value is BundledModel {
  const { name, file, sha256 } = (value ?? {}) as Partial<Record<keyof BundledModel, unknown>>
  if (typeof name !== 'string' || !isModelName(name)) return false
  const listed = files.find(({ path }) => path === file)
  return listed?.sha256 === sha256 && listed?.path.startsWith(`models/${name}/`) === true
}
