import { rename } from 'node:fs/promises'
import { join } from 'node:path'
import { RouterError } from '../../spec/errors.ts'
import type { HubLocation } from '../catalog.ts'
import { sha256OfFile } from './digest.ts'
import { type DownloadPlan, download, forgetPart, forgetRecord, sizeOf } from './download.ts'
import { type FetchedFile, type FetchRequest, type ModelSource, requireDiskSpace } from './source.ts'

/**
 * Downloads from a model hub, or from the mirror that HF_ENDPOINT or MODEL_ENDPOINT names.
 *
 * @throws RouterError model_unreachable, model_failed, checksum_mismatch, disk_full
 */
export const hubSource: ModelSource = {
  name: 'hub',
  async fetch(request) {
    const location = request.entry?.hub
    if (location === null || location === undefined) return null
    const target = join(request.folder, location.file)
    const plan = planOf(location, request, `${target}.part`)
    await requireDiskSpace(target, request.folder, location.sizeBytes - (await sizeOf(plan.part)))
    const resumed = (await sizeOf(plan.part)) > 0
    await download(request, plan)
    try {
      return await verify(request, location, { part: plan.part, target })
    } catch (error) {
      // What an earlier run left may be the damaged piece; one clean download tells.
      if (!resumed) throw error
      await download(request, plan)
      return await verify(request, location, { part: plan.part, target })
    }
  },
}

const PUBLIC_HUB = 'https://huggingface.co'

/**
 * Where a file is on the hub, or on the mirror that HF_ENDPOINT or MODEL_ENDPOINT names; an empty variable counts as unset.
 *
 * @throws RouterError usage when the variable holds no address
 */
export function hubUrl(location: Pick<HubLocation, 'repo' | 'revision' | 'file'>, env: NodeJS.ProcessEnv): URL {
  const base = env.HF_ENDPOINT || env.MODEL_ENDPOINT || PUBLIC_HUB
  const url = URL.parse(`${base.replace(/\/+$/, '')}/${location.repo}/resolve/${location.revision}/${location.file}`)
  if (url !== null && /^https?:$/.test(url.protocol) && url.username === '' && url.password === '') return url
  const variable = env.HF_ENDPOINT ? 'HF_ENDPOINT' : 'MODEL_ENDPOINT'
  const problem = `${variable} is not the address of a hub`
  throw new RouterError('usage', { problem, fix: 'Give one such as https://hub.example, without a password.' })
}

/**
 * The token for what `hubUrl` gives. A mirror of one's own choice (MODEL_ENDPOINT) is not the hub that issued the token;
 * HF_ENDPOINT says that it is.
 */
export function hubToken(env: NodeJS.ProcessEnv): string | null {
  return !env.HF_ENDPOINT && env.MODEL_ENDPOINT ? null : env.HF_TOKEN || null
}

/** Catalogue files are public, so no token goes along. */
function planOf(location: HubLocation, request: FetchRequest, part: string): DownloadPlan {
  const url = hubUrl(location, request.env)
  const resume = location.sha256 === null ? 'by_tag' : 'by_hash'
  return { source: 'hub', url, part, totalBytes: location.sizeBytes, resume, token: null }
}

async function verify(
  request: FetchRequest,
  location: HubLocation,
  files: { readonly part: string; readonly target: string },
): Promise<FetchedFile> {
  const total = location.sizeBytes
  const report = { source: 'hub', receivedBytes: total, totalBytes: total } as const
  request.report({ ...report, phase: 'verifying', detail: 'Checking the sha256.' })
  const actual = await sha256OfFile(files.part, request.signal)
  if (location.sha256 !== null && actual !== location.sha256) {
    await forgetPart(files.part)
    throw new RouterError('checksum_mismatch', { path: files.target, actual, expected: location.sha256 })
  }
  await rename(files.part, files.target)
  await forgetRecord(files.part)
  const detail =
    location.sha256 === null ? `No checksum is pinned; this download has ${actual}.` : 'The sha256 is right.'
  request.report({ ...report, phase: 'done', detail })
  return { path: files.target, sha256: actual }
}
