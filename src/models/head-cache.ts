/** Fitted heads on disk. A cache: what is missing or damaged is fitted again. */
import { createHash } from 'node:crypto'
import { mkdir, readFile, rename, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { ModelIdentity } from '../spec/decision.ts'
import type { HeadExampleSet } from '../spec/policy.ts'
import { ENGINE_VERSION } from './embedded/engine-lock.ts'

/**
 * Names heads by everything that would change them: weights, engine, the ways of reading, examples with their options,
 * and what of them the model is given.
 *
 * @returns 64 hex digits
 */
export function headKey(parts: {
  readonly identity: ModelIdentity | null
  readonly recipes: readonly string[]
  /** As the model gets them. */
  readonly examples: HeadExampleSet
}): string {
  const { identity, recipes, examples } = parts
  const weights = [identity?.digest ?? null, identity?.servedBy ?? null, ENGINE_VERSION]
  return keyOf([VERSION, weights, recipes, examples.digest, examples.rows])
}

/** @returns 64 hex digits */
export function keyOf(parts: readonly unknown[]): string {
  return createHash('sha256').update(JSON.stringify(parts)).digest('hex')
}

/** Raised when the fit changes: a head of an older fit must not be used. */
const VERSION = 2

interface Stored {
  /** Of the head's JSON; tells a damaged file from a whole one. */
  readonly sha256: string
  readonly head: unknown
}

/** @returns null when there is none, or when the file is damaged */
export async function readHead<H>(folder: string, key: string): Promise<H | null> {
  try {
    const { sha256, head } = JSON.parse(await readFile(fileOf(folder, key), 'utf8')) as Stored
    return sha256 === digestOf(head) ? (head as H) : null
  } catch {
    return null
  }
}

/** A cache that cannot be written costs time with the next start, not correctness. */
export async function writeHead(folder: string, key: string, head: unknown): Promise<void> {
  try {
    await mkdir(folder, { recursive: true })
    const draft = `${fileOf(folder, key)}.${process.pid}`
    await writeFile(draft, JSON.stringify({ sha256: digestOf(head), head } satisfies Stored))
    await rename(draft, fileOf(folder, key))
  } catch {
    return
  }
}

function fileOf(folder: string, key: string): string {
  return join(folder, `${key}.json`)
}

function digestOf(head: unknown): string {
  return createHash('sha256').update(JSON.stringify(head)).digest('hex')
}
