/** The embedded models of a policy: found on disk with the first call, never downloaded. */
import { existsSync } from 'node:fs'
import { RouterError, toRouterError } from '../../spec/errors.ts'
import type { ModelPolicy, Policy } from '../../spec/policy.ts'
import { DEFAULT_CONTEXT_TOKENS } from '../../spec/policy-models.ts'
import type { ModelPort } from '../../spec/ports.ts'
import { cachedSha256 } from '../fetch/digest.ts'
import { locateModel } from '../fetch/locate.ts'
import type { Paths } from '../paths.ts'
import { createEmbeddedModel } from './embedded.ts'
import { isEngineInstalled } from './install.ts'
import { copyKey, readLoaded } from './loaded-file.ts'
import { fillsIn, needBytesOf } from './need.ts'
import type { ModelSpec } from './protocol.ts'
import { type MemoryBudget, roomBytes } from './room.ts'

export interface ConfiguredModel {
  readonly name: string
  readonly policy: ModelPolicy
  readonly paths: Paths
  readonly env: NodeJS.ProcessEnv
  /** Unlimited when absent. */
  readonly memory?: Policy['memory']
}

/**
 * The embedded model of a policy entry. The file is looked for, and its digest taken, with the first call; nothing is
 * downloaded. Calls also reject with model_file_missing and checksum_mismatch.
 */
export function openEmbeddedModel(configured: ConfiguredModel): ModelPort {
  let opened: Promise<ModelPort> | null = null
  const open = (signal: AbortSignal): Promise<ModelPort> => {
    opened ??= openFile(configured, signal).catch((error: unknown) => {
      opened = null
      throw error
    })
    return opened
  }
  return {
    name: configured.name,
    completes: true,
    generate: async function* (call, limits) {
      yield* (await open(limits.signal)).generate(call, limits)
    },
    decide: async (call, limits) => await can(await open(limits.signal), 'decide')(call, limits),
    embed: async (text, limits, frame) => await can(await open(limits.signal), 'embed')(text, limits, frame),
    extract: async (call, limits) => await can(await open(limits.signal), 'extract')(call, limits),
    writeJson: async (call, limits) => await can(await open(limits.signal), 'writeJson')(call, limits),
    load: async (limits) => await can(await open(limits.signal), 'load')(limits),
    close: async () => await (await opened?.catch(() => null))?.close(),
  }
}

export interface EmbeddedObstacle {
  readonly reason: 'local_unavailable' | 'memory_no_fit'
  readonly why: string
}

/**
 * Why the model cannot be used now; null when engine and file are in place and it is loaded or would fit. Asked before
 * every route: it reads the disk, and the header of a file once, and starts nothing.
 *
 * @param availableMemory bytes that can be taken without swapping
 */
export function embeddedObstacle(configured: ConfiguredModel, availableMemory: () => number): EmbeddedObstacle | null {
  const { policy, paths, env } = configured
  if (!isEngineInstalled(paths)) {
    return { reason: 'local_unavailable', why: 'the embedded engine is not installed (run `spillway engine install`)' }
  }
  try {
    const file = locateModel({ name: policy.model, path: policy.path ?? null, env, paths })
    if (file.exists) return memoryObstacle(configured, file.path, availableMemory())
    const why = `no model file at ${file.path} (run \`spillway models pull ${policy.model}\`)`
    return { reason: 'local_unavailable', why }
  } catch (error) {
    const { message, fix } = toRouterError(error)
    return { reason: 'local_unavailable', why: `${message} ${fix}` }
  }
}

/** Whether the model can fill a text in, by the header of its file. */
export function embeddedFillsIn({ policy, paths, env }: ConfiguredModel): boolean {
  try {
    const file = locateModel({ name: policy.model, path: policy.path ?? null, env, paths })
    return file.exists && fillsIn(file.path)
  } catch {
    return false
  }
}

/** Bytes that the model takes when it is loaded; null where its file is not there or cannot be read. */
export function embeddedNeedBytes(configured: ConfiguredModel): number | null {
  const { name, policy } = configured
  const path = fileOf(configured)
  if (path === null) return null
  return needBytesUnlessBroken({ name, path, ...loadSettings(policy), adapter: policy.adapter ?? null }) || null
}

/**
 * Whether the model can be loaded without another copy having to leave, with room for a second model as well: who waits for that one does
 * not wait longer. Files that cannot be read are told by the attempt to load them.
 */
export function embeddedFitsBeside(
  configured: ConfiguredModel,
  second: ConfiguredModel,
  availableBytes: number,
): boolean {
  const loaded = readLoaded(configured.paths.stateDir)
  const wanted = [configured, second].flatMap((one) => {
    const path = fileOf(one)
    if (path === null) return []
    const spec = { name: one.name, path, ...loadSettings(one.policy), adapter: one.policy.adapter ?? null }
    return loaded.some(({ key }) => key === copyKey(spec)) ? [] : [needBytesUnlessBroken(spec)]
  })
  const needBytes = wanted.reduce((sum, bytes) => sum + bytes, 0)
  return (
    needBytes === 0 || needBytes <= roomBytes({ held: loaded, availableBytes, budget: budgetOf(configured.memory) })
  )
}

/** Null where nothing is known of a file. */
function fileOf({ policy, paths, env }: ConfiguredModel): string | null {
  try {
    const { exists, path } = locateModel({ name: policy.model, path: policy.path ?? null, env, paths })
    return exists ? path : null
  } catch {
    return null
  }
}

/** Counts every loaded copy as one that would make room: the host, which knows which are busy, decides at the load. */
function memoryObstacle(
  { name, policy, paths, memory }: ConfiguredModel,
  path: string,
  availableBytes: number,
): EmbeddedObstacle | null {
  const spec = { name, path, ...loadSettings(policy), adapter: policy.adapter ?? null }
  const needBytes = needBytesUnlessBroken(spec)
  const budget = budgetOf(memory)
  if (needBytes <= roomBytes({ held: [], availableBytes, budget })) return null
  const loaded = readLoaded(paths.stateDir)
  if (loaded.some(({ key }) => key === copyKey(spec))) return null
  const heldBytes = loaded.reduce((sum, copy) => sum + copy.needBytes, 0)
  const room = roomBytes({ held: [], availableBytes: availableBytes + heldBytes, budget })
  if (needBytes <= room) return null
  const megabytes = (bytes: number): number => Math.max(0, Math.ceil(bytes / MEGABYTE))
  const why = `it needs about ${megabytes(needBytes)} MB and ${megabytes(room)} MB may be taken`
  return { reason: 'memory_no_fit', why }
}

const MEGABYTE = 1_000_000

/** What is wrong with a file is told, with its fix, by the attempt to load it. */
function needBytesUnlessBroken(spec: Parameters<typeof needBytesOf>[0]): number {
  try {
    return needBytesOf(spec)
  } catch (error) {
    if (error instanceof RouterError) return 0
    throw error
  }
}

function budgetOf(memory: Policy['memory'] | undefined): MemoryBudget {
  const { maxLocalMb = null, keepFreeMb = 0 } = memory ?? {}
  return {
    maxLocalBytes: maxLocalMb === null ? null : maxLocalMb * MEGABYTE,
    keepFreeBytes: keepFreeMb * MEGABYTE,
  }
}

function loadSettings(policy: ModelPolicy): Pick<ModelSpec, 'contextTokens' | 'sequences' | 'threads'> {
  return {
    contextTokens: policy.contextTokens ?? DEFAULT_CONTEXT_TOKENS,
    sequences: policy.parallel,
    threads: policy.threads ?? null,
  }
}

async function openFile(configured: ConfiguredModel, signal: AbortSignal): Promise<ModelPort> {
  const { policy, paths, env } = configured
  const file = locateModel({ name: policy.model, path: policy.path ?? null, env, paths })
  if (!file.exists) throw new RouterError('model_file_missing', { model: policy.model, path: file.path })
  const sha256 = await cachedSha256(file.path, paths.cacheDir, signal)
  if (file.sha256 !== null && file.sha256 !== sha256) {
    throw new RouterError('checksum_mismatch', { path: file.path, actual: sha256, expected: file.sha256 })
  }
  return createEmbeddedModel({
    spec: await modelSpec(configured, { path: file.path, sha256 }, signal),
    servedBy: policy.model,
    maxOutputTokens: policy.maxOutputTokens,
    tier: policy.tier,
    signals: policy.signals,
    paths,
    env,
  })
}

/**
 * How the engine loads a configured model; equal for every program that reads the same policy, so that they share a copy.
 *
 * @param file the weights, with the hex sha256 of the file
 * @throws RouterError model_file_missing (the adapter)
 */
export async function modelSpec(
  { name, policy, paths, memory }: Omit<ConfiguredModel, 'env'>,
  file: { readonly path: string; readonly sha256: string },
  signal: AbortSignal,
): Promise<ModelSpec> {
  return {
    name,
    path: file.path,
    digest: `sha256:${file.sha256}`,
    ...loadSettings(policy),
    adapter: policy.adapter ? await openAdapter(policy.adapter, paths, signal) : null,
    idleUnloadMs: policy.idleUnload,
    memory: budgetOf(memory),
  }
}

async function openAdapter(
  { path, scale }: NonNullable<ModelPolicy['adapter']>,
  paths: Paths,
  signal: AbortSignal,
): Promise<NonNullable<ModelSpec['adapter']>> {
  if (!existsSync(path)) throw new RouterError('model_file_missing', { model: 'adapter', path })
  return { path, scale, digest: `sha256:${await cachedSha256(path, paths.cacheDir, signal)}` }
}

/** @throws RouterError internal when the port lacks what every embedded model has */
function can<K extends 'decide' | 'embed' | 'extract' | 'writeJson' | 'load'>(
  port: ModelPort,
  what: K,
): Required<ModelPort>[K] {
  const method = port[what]
  if (method === undefined) throw new RouterError('internal', { problem: `model ${port.name} cannot ${what}` })
  return method as Required<ModelPort>[K]
}
