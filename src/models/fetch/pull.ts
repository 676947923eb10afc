import { existsSync, statSync } from 'node:fs'
import { mkdir, rename } from 'node:fs/promises'
import { basename, extname, join } from 'node:path'
import { RouterError } from '../../spec/errors.ts'
import { findInCatalog } from '../catalog.ts'
import { readGgufHeader } from '../embedded/gguf.ts'
import { withFileLock } from '../file-lock.ts'
import type { Paths } from '../paths.ts'
import { findRegistered, isModelName, MODEL_NAME_FORM, register } from '../registry.ts'
import { cachedSha256, sha256OfFile } from './digest.ts'
import { type DownloadPlan, download, forgetPart, forgetRecord } from './download.ts'
import { hubToken, hubUrl } from './hub-source.ts'
import { modelFolder } from './locate.ts'
import type { ModelReference } from './reference.ts'
import type { FetchProgress, FetchRequest } from './source.ts'

export interface PullRequest {
  readonly reference: Extract<ModelReference, { readonly kind: 'hub' | 'url' }>
  /** The name it is known by afterwards; null: made from the file's. */
  readonly name: string | null
  /** Lower-case hex that the file must have; null when the caller knows none. */
  readonly sha256: string | null
  readonly env: NodeJS.ProcessEnv
  readonly paths: Paths
  readonly signal: AbortSignal
  readonly onProgress?: (progress: FetchProgress) => void
}

export interface PulledModel {
  readonly name: string
  readonly path: string
  readonly sha256: string
  readonly source: 'hub' | 'url' | 'cache'
  /**
   * caller: you gave the hash. hub: the hub told it. record: the file was here and is what it was when it came. none:
   * nobody told one, the file is taken as it came.
   */
  readonly checkedAgainst: 'caller' | 'hub' | 'record' | 'none'
}

/**
 * Downloads a file that the catalogue does not pin, checks it, and registers it under a name for policies. HF_TOKEN goes
 * to the hub's own origin only.
 *
 * @throws RouterError usage (a name that is taken or cannot be one), model_unreachable, model_failed, checksum_mismatch,
 * model_file_invalid, disk_full, cancelled
 */
export async function pullFile(request: PullRequest): Promise<PulledModel> {
  const name = request.name ?? modelNameOf(request.reference.file)
  checkName(name, request)
  const folder = modelFolder(request.paths, name)
  await mkdir(folder, { recursive: true })
  const lock = { file: `${folder}.lock`, signal: request.signal }
  return await withFileLock(
    lock,
    async () => (await fromCache(name, request)) ?? (await fetchInto(folder, name, request)),
  )
}

/** `qwen3:8b` and `publisher/repository/File.gguf` become what a policy can say without quotes. */
export function modelNameOf(text: string): string {
  const last = text.split('/').at(-1) ?? text
  const stem = extname(last).toLowerCase() === '.gguf' ? last.slice(0, -'.gguf'.length) : last
  return stem.toLowerCase().replaceAll(':', '-')
}

function checkName(name: string, { paths, reference, sha256 }: PullRequest): void {
  const fix = 'Choose another with --name.'
  if (!isModelName(name))
    throw new RouterError('usage', {
      problem: `${name} cannot be a model name`,
      fix: `Use ${MODEL_NAME_FORM}, with --name.`,
    })
  if (findInCatalog(name) !== null)
    throw new RouterError('usage', { problem: `${name} is a name of the catalogue`, fix })
  const known = findRegistered(paths, name)
  if (known === null || (sha256 !== null && known.sha256 === sha256)) return
  // Files of two repositories often have one name: the one must not be taken for the other.
  if (known.origin === originOf(reference) && known.path === join(modelFolder(paths, name), basename(reference.file)))
    return
  const from = known.origin === undefined ? `as ${known.path}` : `from ${known.origin}`
  const forget = `Choose another with --name, or forget it with \`spillway models remove ${name}\`.`
  throw new RouterError('usage', { problem: `${name} is registered already, ${from}`, fix: forget })
}

/** The same for every mirror; a query may hold a signature, which is no part of what the file is. */
function originOf(reference: PullRequest['reference']): string {
  if (reference.kind === 'hub') return `hf:${reference.repo}/${reference.file}@${reference.revision}`
  return reference.url.origin + reference.url.pathname
}

async function fromCache(name: string, { paths, sha256, signal }: PullRequest): Promise<PulledModel | null> {
  const known = findRegistered(paths, name)
  if (known === null || !existsSync(known.path)) return null
  const actual = await cachedSha256(known.path, paths.cacheDir, signal)
  if (actual !== known.sha256 || (sha256 !== null && actual !== sha256)) return null
  return {
    name,
    path: known.path,
    sha256: actual,
    source: 'cache',
    checkedAgainst: sha256 === null ? 'record' : 'caller',
  }
}

async function fetchInto(folder: string, name: string, request: PullRequest): Promise<PulledModel> {
  const report = request.onProgress ?? (() => undefined)
  const { env, paths, signal, reference } = request
  const fetched: FetchRequest = { name, path: null, entry: null, env, paths, folder, signal, report }
  const path = join(folder, basename(reference.file))
  const plan = planOf(request, `${path}.part`)
  const { linkedSha256 } = await download(fetched, plan)
  report({
    source: plan.source,
    phase: 'verifying',
    receivedBytes: null,
    totalBytes: null,
    detail: 'Checking the file.',
  })
  const sha256 = await checked(plan.part, { path, expected: request.sha256 ?? linkedSha256, signal })
  await rename(plan.part, path)
  await forgetRecord(plan.part)
  const origin = originOf(reference)
  await register(paths, { name, path, sha256, sizeBytes: statSync(path).size, origin }, signal)
  const checkedAgainst = request.sha256 !== null ? 'caller' : linkedSha256 !== null ? 'hub' : 'none'
  return { name, path, sha256, source: plan.source, checkedAgainst }
}

function planOf({ reference, env, sha256 }: PullRequest, part: string): DownloadPlan {
  const rest = { part, totalBytes: null, resume: sha256 === null ? 'by_tag' : 'by_hash' } as const
  if (reference.kind === 'url') return { ...rest, source: 'url', url: reference.url, token: null }
  return { ...rest, source: 'hub', url: hubUrl(reference, env), token: hubToken(env) }
}

/** @returns the sha256 of a file that is what it should be; any other is removed, so that the next call starts anew */
async function checked(
  part: string,
  { path, expected, signal }: { readonly path: string; readonly expected: string | null; readonly signal: AbortSignal },
): Promise<string> {
  try {
    const actual = await sha256OfFile(part, signal)
    if (expected !== null && actual !== expected) throw new RouterError('checksum_mismatch', { path, actual, expected })
    readGgufHeader(part)
    return actual
  } catch (error) {
    if (!signal.aborted) await forgetPart(part)
    throw error
  }
}
