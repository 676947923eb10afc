/** What a local server can do for a model, asked once with tiny requests and kept on disk. */
import { createHash } from 'node:crypto'
import { mkdir, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { type ProbeTarget, probeAbilities, type ServerAbilities, serverVersion } from './probe-requests.ts'

export interface ServerProbe {
  /** Null when it is not known yet: the probe goes on in the background and the call goes without. */
  abilities(signal: AbortSignal): Promise<ServerAbilities | null>
  /** What is on record turned out wrong; the next call asks again. */
  forget(): Promise<void>
  /** Stops a probe that is under way. */
  close(): void
}

export interface ServerProbeSettings extends ProbeTarget {
  /** Records lie in `probes` below it. */
  readonly cacheDir: string
  /** Epoch milliseconds. */
  readonly nowMs?: () => number
  /** How long a call waits for a probe that has no answer yet. */
  readonly waitMs?: number
}

/** For servers that are not asked. */
export const notProbed: ServerProbe = {
  abilities: () => Promise.resolve(null),
  forget: () => Promise.resolve(),
  close: () => {},
}

/** One record a base URL, model and server version. */
export interface ProbeRecord {
  readonly baseUrl: string
  readonly model: string
  readonly version: string | null
  /** ISO 8601, UTC. */
  readonly at: string
  /** Null when the probe failed: unknown. */
  readonly abilities: ServerAbilities | null
}

export function createServerProbe(settings: ServerProbeSettings): ServerProbe {
  const { nowMs = Date.now, waitMs = WAIT_MS } = settings
  const closed = new AbortController()
  let known: ProbeRecord | null = null
  let running: Promise<ServerAbilities | null> | null = null
  const find = async (): Promise<ServerAbilities | null> => {
    const signal = AbortSignal.any([closed.signal, AbortSignal.timeout(PROBE_TIMEOUT_MS)])
    const version = await serverVersion(settings, signal)
    const file = recordFile(settings, version)
    const stored = await readProbe(file)
    if (isFresh(stored, nowMs())) known = stored
    else {
      const abilities = await probeAbilities(settings, signal)
      if (closed.signal.aborted) return null
      const { baseUrl, model } = settings
      known = { baseUrl, model, version, at: new Date(nowMs()).toISOString(), abilities }
      await writeProbe(file, known)
    }
    return known?.abilities ?? null
  }
  return {
    async abilities(signal) {
      if (isFresh(known, nowMs())) return known?.abilities ?? null
      running ??= find()
        .catch(() => null)
        .finally(() => {
          running = null
        })
      return await Promise.race([running, patience(waitMs, signal)])
    },
    async forget() {
      if (known !== null) await rm(recordFile(settings, known.version), { force: true })
      known = null
    },
    close: () => closed.abort(),
  }
}

/** @returns null when there is none, or when the file is damaged */
async function readProbe(file: string): Promise<ProbeRecord | null> {
  try {
    const record = JSON.parse(await readFile(file, 'utf8')) as ProbeRecord
    return typeof record.at === 'string' && isAbilities(record.abilities) ? record : null
  } catch {
    return null
  }
}

/** Every record that can be read. */
export async function readProbes(cacheDir: string): Promise<readonly ProbeRecord[]> {
  const names = await readdir(join(cacheDir, 'probes')).catch(() => [])
  const files = names.filter((name) => name.endsWith('.json')).map((name) => join(cacheDir, 'probes', name))
  return (await Promise.all(files.map(readProbe))).filter((record) => record !== null)
}

/** The first request after a start may wait this long; a model that must be loaded first takes longer than a probe. */
const WAIT_MS = 3000

/** Loading a large model from a slow disk takes most of this. */
const PROBE_TIMEOUT_MS = 60_000

/** A server may be started anew with other settings. */
const KNOWN_MS = 7 * 24 * 3_600_000

/** A failed probe is tried again after this. */
const UNKNOWN_MS = 10 * 60_000

function isFresh(record: ProbeRecord | null, nowMs: number): boolean {
  if (record === null) return false
  const ageMs = nowMs - Date.parse(record.at)
  return ageMs >= 0 && ageMs < (record.abilities === null ? UNKNOWN_MS : KNOWN_MS)
}

function isAbilities(value: unknown): value is ServerAbilities | null {
  if (value === null) return true
  const { logprobs, fullDistribution } = (value ?? {}) as Partial<ServerAbilities>
  return typeof fullDistribution === 'boolean' && ['none', 'chosen', 'top-k'].includes(logprobs ?? '')
}

function recordFile({ cacheDir, api, baseUrl, model }: ServerProbeSettings, version: string | null): string {
  const key = createHash('sha256')
    .update(JSON.stringify([api, baseUrl, model, version]))
    .digest('hex')
  return join(cacheDir, 'probes', `${key.slice(0, 32)}.json`)
}

/** A cache that cannot be written costs a probe with the next start, not correctness. */
async function writeProbe(file: string, record: ProbeRecord): Promise<void> {
  try {
    await mkdir(join(file, '..'), { recursive: true })
    const draft = `${file}.${process.pid}`
    await writeFile(draft, JSON.stringify(record))
    await rename(draft, file)
  } catch {
    return
  }
}

function patience(ms: number, signal: AbortSignal): Promise<null> {
  return new Promise((resolve) => {
    const timer = setTimeout(() => resolve(null), ms)
    timer.unref()
    signal.addEventListener('abort', () => resolve(null), { once: true })
  })
}
