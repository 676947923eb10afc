/** Fitted heads on disk. A cache: what is missing or damaged is fitted again. */
import { createHash } from 'node:crypto'
import { mkdir, readFile, rename, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { HeadExampleSet } from '../spec/policy.ts'
import type { EmbedResult } from '../spec/ports.ts'

/**
 * Names a head by everything that would change it: weights, recipe (engine version included), examples with their
 * options, and what of them the model is given.
 *
 * @param read the texts of the examples as the model gets them
 * @returns 64 hex digits
 */
export function headKey(embedded: EmbedResult, examples: HeadExampleSet, read: readonly string[]): string {
  const { identity, recipe } = embedded
  return keyOf([VERSION, identity.digest, identity.servedBy, recipe, examples.digest, read])
}

/** @returns 64 hex digits */
export function keyOf(parts: readonly unknown[]): string {
  return createHash('sha256').update(JSON.stringify(parts)).digest('hex')
}

/** Raised when the fit changes: a head of an older fit must not be used. */
const VERSION = 1

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
