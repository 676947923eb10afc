import { createHash } from 'node:crypto'
import { createReadStream, createWriteStream } from 'node:fs'
import { mkdir, mkdtemp, readdir, rename, rm, stat } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import { Readable, Transform } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { RouterError } from '../../spec/errors.ts'
import { findInCatalog } from '../catalog.ts'
import { ENGINE_VERSION } from '../embedded/engine-lock.ts'
import { readGgufHeader } from '../embedded/gguf.ts'
import { engineDirectory, isEngineInstalled } from '../embedded/install.ts'
import { placesOf } from '../fetch/locate.ts'
import { asCancelled, asDiskError, requireDiskSpace } from '../fetch/source.ts'
import { withFileLock } from '../file-lock.ts'
import type { Paths } from '../paths.ts'
import { findRegistered, register } from '../registry.ts'
import {
  type BundleFile,
  type BundleManifest,
  MANIFEST_NAME,
  MAX_MANIFEST_BYTES,
  manifestProblem,
  unsafePath,
} from './manifest.ts'
import { readTar, type TarEntry, TarProblem } from './tar.ts'

export interface InstallBundleRequest {
  readonly file: string
  readonly paths: Paths
  readonly signal: AbortSignal
  /** `process.platform-process.arch` unless a test says otherwise. */
  readonly platform?: string
}

export interface InstalledBundle {
  readonly engine: { readonly version: string; readonly path: string; readonly state: 'installed' | 'was_there' } | null
  readonly models: readonly { readonly name: string; readonly path: string; readonly sha256: string }[]
}

/**
 * Puts what a bundle holds in place. The whole archive is unpacked into a folder of its own and checked against its
 * manifest first; until then, and when anything is wrong, nothing else changes.
 *
 * @throws RouterError usage (no bundle, damaged, cut off, a path or link that leads elsewhere, another platform or
 * engine), checksum_mismatch, model_file_invalid, disk_full, cancelled
 */
export async function installBundle(request: InstallBundleRequest): Promise<InstalledBundle> {
  const { dataDir } = request.paths
  await mkdir(dataDir, { recursive: true })
  return await withFileLock({ file: join(dataDir, 'bundle.lock'), signal: request.signal }, async () => {
    await removeAbandoned(dataDir)
    const staging = await mkdtemp(join(dataDir, STAGING))
    try {
      const manifest = await unpack(request, staging)
      checkModels(manifest, request, staging)
      return await putInPlace(manifest, request, staging)
    } catch (error) {
      if (error instanceof TarProblem) throw refused(request, error.message, error)
      throw asCancelled(asDiskError(error, dataDir), `bundle ${basename(request.file)}`, request.signal)
    } finally {
      await rm(staging, { recursive: true, force: true })
    }
  })
}

const STAGING = 'bundle-partial-'

/** Gigabytes of an installation that was killed; nobody else installs while the lock is held. */
async function removeAbandoned(dataDir: string): Promise<void> {
  for (const name of await readdir(dataDir))
    if (name.startsWith(STAGING)) await rm(join(dataDir, name), { recursive: true, force: true })
}

function refused({ file }: InstallBundleRequest, problem: string, cause?: unknown): RouterError {
  const fix = 'Nothing was installed. Make the bundle again with `spillway bundle create`, and copy it as a whole.'
  return new RouterError('usage', { problem: `The bundle ${file} cannot be used: ${problem}`, fix }, cause)
}

async function unpack(request: InstallBundleRequest, staging: string): Promise<BundleManifest> {
  if (!(await isFile(request.file))) throw refused(request, 'there is no such file')
  let manifest: BundleManifest | null = null
  const missing = new Map<string, BundleFile>()
  for await (const entry of readTar(createReadStream(request.file, { signal: request.signal }))) {
    if (entry.kind === 'other')
      throw refused(request, `${entry.path} in it is a link, a folder or something else that is no file`)
    if (manifest === null) {
      manifest = await readManifest(entry, request)
      for (const file of manifest.files) missing.set(file.path, file)
      await requireDiskSpace(
        staging,
        staging,
        manifest.files.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0),
      )
      continue
    }
    await unpackFile(entry, { request, staging, missing })
  }
  if (manifest === null) throw refused(request, 'it is empty')
  const [first] = missing.keys()
  if (first !== undefined) throw refused(request, `${missing.size} files of its manifest are missing, first ${first}`)
  return manifest
}

async function readManifest(entry: TarEntry, request: InstallBundleRequest): Promise<BundleManifest> {
  if (entry.path !== MANIFEST_NAME) throw refused(request, `${entry.path} comes first, not ${MANIFEST_NAME}`)
  if (entry.sizeBytes > MAX_MANIFEST_BYTES) throw refused(request, 'its manifest is too large')
  const parts: Buffer[] = []
  for await (const part of entry.body) parts.push(part)
  const value = parsed(Buffer.concat(parts).toString('utf8'))
  const problem = manifestProblem(value)
  if (problem !== null) throw refused(request, problem)
  const manifest = value as BundleManifest
  const platform = request.platform ?? `${process.platform}-${process.arch}`
  if (manifest.engine !== null && manifest.platform !== platform)
    throw refused(request, `its engine is for ${manifest.platform}, this machine is ${platform}`)
  if (manifest.engine !== null && (manifest.engine.version !== ENGINE_VERSION || manifest.engine.variant !== 'cpu'))
    throw refused(
      request,
      `its engine is ${manifest.engine.version}-${manifest.engine.variant}, this Spillway uses ${ENGINE_VERSION}-cpu`,
    )
  return manifest
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return null
  }
}

async function unpackFile(
  entry: TarEntry,
  to: { readonly request: InstallBundleRequest; readonly staging: string; readonly missing: Map<string, BundleFile> },
): Promise<void> {
  const expected = to.missing.get(entry.path)
  if (expected === undefined)
    throw refused(to.request, unsafePath(entry.path) ?? `${entry.path} is not in its manifest, or comes twice`)
  if (entry.sizeBytes !== expected.sizeBytes)
    throw refused(to.request, `${entry.path} has ${entry.sizeBytes} bytes, its manifest says ${expected.sizeBytes}`)
  const target = join(to.staging, ...entry.path.split('/'))
  await mkdir(dirname(target), { recursive: true })
  const hash = createHash('sha256')
  const meter = new Transform({
    transform(piece: Buffer, _encoding, done) {
      hash.update(piece)
      done(null, piece)
    },
  })
  const write = createWriteStream(target, { flags: 'wx', mode: expected.executable ? 0o755 : 0o644 })
  await pipeline(Readable.from(entry.body), meter, write, { signal: to.request.signal })
  const actual = hash.digest('hex')
  if (actual !== expected.sha256)
    throw new RouterError('checksum_mismatch', { path: entry.path, actual, expected: expected.sha256 })
  to.missing.delete(entry.path)
}

/** A catalogue name stands for one file; another name must not be taken away from a file that it stands for here. */
function checkModels(manifest: BundleManifest, request: InstallBundleRequest, staging: string): void {
  for (const { name, file, sha256 } of manifest.models) {
    readGgufHeader(join(staging, ...file.split('/')))
    const entry = findInCatalog(name)
    const pins = entry === null ? [] : placesOf(entry, '').map((place) => place.sha256)
    if (pins.length > 0 && !pins.includes(sha256))
      throw refused(request, `its ${name} is not the file that the catalogue pins under that name`)
    const known = entry === null ? findRegistered(request.paths, name) : null
    if (known !== null && known.sha256 !== sha256)
      throw refused(
        request,
        `${name} is registered here as another file (\`spillway models remove ${name}\` forgets it)`,
      )
  }
}

async function putInPlace(
  manifest: BundleManifest,
  { paths, signal }: InstallBundleRequest,
  staging: string,
): Promise<InstalledBundle> {
  const engine = manifest.engine === null ? null : await placeEngine(manifest.engine, paths, staging)
  const models: { name: string; path: string; sha256: string }[] = []
  for (const { name, file, sha256 } of manifest.models) {
    const path = join(paths.dataDir, ...file.split('/'))
    await mkdir(dirname(path), { recursive: true })
    await rename(join(staging, ...file.split('/')), path)
    const { size: sizeBytes } = await stat(path)
    if (findInCatalog(name) === null) await register(paths, { name, path, sha256, sizeBytes }, signal)
    models.push({ name, path, sha256 })
  }
  return { engine, models }
}

async function placeEngine(
  { version, variant }: NonNullable<BundleManifest['engine']>,
  paths: Paths,
  staging: string,
): Promise<InstalledBundle['engine']> {
  const path = engineDirectory(paths)
  if (isEngineInstalled(paths)) return { version, path, state: 'was_there' }
  await mkdir(dirname(path), { recursive: true })
  await rm(path, { recursive: true, force: true })
  await rename(join(staging, 'engine', `${version}-${variant}`), path)
  return { version, path, state: 'installed' }
}

async function isFile(path: string): Promise<boolean> {
  return await stat(path).then(
    (entry) => entry.isFile(),
    () => false,
  )
}
