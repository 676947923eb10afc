/** The keys that were issued: a list of hashes, and what each may do. */
import { hash, randomBytes } from 'node:crypto'
import { mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { z } from 'zod'
import { PARTITIONS } from '../spec/decision.ts'
import { RouterError } from '../spec/errors.ts'

const names = z.array(z.string().min(1)).min(1).optional()
const permits = z.number().int().min(1).optional()
const usd = z.number().positive().optional()

/** Strict: a restriction that this version does not know must not be lost. */
const grantSchema = z.strictObject({
  tasks: names,
  models: names,
  tenants: names,
  partition: z.enum(PARTITIONS).optional(),
  budget: z.strictObject({ day: usd, month: usd }).optional(),
  requestsPerMinute: permits,
  tokensPerMinute: permits,
  concurrency: permits,
  override: z.literal(true).optional(),
})

/** What a key may do. Every part but `override` narrows, and absent parts leave all. */
export type KeyGrant = z.output<typeof grantSchema>

const entrySchema = z.object({
  id: z.string(),
  name: z.string(),
  sha256: z.string(),
  /** The secret before the last rotation, while it still opens. */
  previous: z.object({ sha256: z.string(), until: z.iso.datetime() }).optional(),
  createdAt: z.string(),
  expiresAt: z.iso.datetime().optional(),
  grant: grantSchema.optional(),
})
const fileSchema = z.array(entrySchema)

export type KeyEntry = z.output<typeof entrySchema>

export interface IssuedKey {
  readonly id: string
  readonly name: string
  /** ISO 8601, UTC, like all times here. */
  readonly createdAt: string
  readonly expiresAt?: string
  /** Until when the secret before the last rotation still opens. */
  readonly previousUntil?: string
  readonly grant: KeyGrant
}

export interface WantedKey {
  readonly name: string
  /** From now; absent: for ever. */
  readonly expiresInMs?: number
  readonly grant?: KeyGrant
}

/**
 * Two that change the list at once would lose a key: callers hold the lock `keys.json.lock`, as the command line does.
 *
 * @returns the key, shown this once; only its hash is kept
 */
export function issueKey(stateDir: string, wanted: WantedKey): IssuedKey & { readonly key: string } {
  const key = newKey()
  const now = Date.now()
  const entry: KeyEntry = {
    id: randomBytes(4).toString('hex'),
    name: wanted.name,
    sha256: hashOf(key),
    createdAt: new Date(now).toISOString(),
    ...(wanted.expiresInMs !== undefined && { expiresAt: new Date(now + wanted.expiresInMs).toISOString() }),
    ...(wanted.grant && Object.keys(wanted.grant).length > 0 && { grant: wanted.grant }),
  }
  writeIssued(stateDir, [...readIssued(stateDir), entry])
  return { ...shown(entry), key }
}

export function listKeys(stateDir: string): readonly IssuedKey[] {
  return readIssued(stateDir).map(shown)
}

/** @returns false when there is no key of that id */
export function revokeKey(stateDir: string, id: string): boolean {
  const all = readIssued(stateDir)
  const kept = all.filter((entry) => entry.id !== id)
  if (kept.length === all.length) return false
  writeIssued(stateDir, kept)
  return true
}

/**
 * A new secret for the same key: name, grant, limits and what was spent stay.
 *
 * @param graceMs how long the secret before still opens; 0: not any more
 * @returns null when there is no key of that id
 */
export function rotateKey(
  stateDir: string,
  id: string,
  { graceMs }: { readonly graceMs: number },
): (IssuedKey & { readonly key: string }) | null {
  const all = readIssued(stateDir)
  const found = all.find((entry) => entry.id === id)
  if (!found) return null
  const key = newKey()
  const { previous: _, sha256, ...rest } = found
  const until = new Date(Date.now() + graceMs).toISOString()
  const rotated: KeyEntry = { ...rest, sha256: hashOf(key), ...(graceMs > 0 && { previous: { sha256, until } }) }
  writeIssued(
    stateDir,
    all.map((entry) => (entry === found ? rotated : entry)),
  )
  return { ...shown(rotated), key }
}

/** 256 random bits; the prefix lets secret scanners and people recognise it. */
export function newKey(): string {
  return `spw_${randomBytes(32).toString('base64url')}`
}

export function hashOf(key: string): string {
  return hash('sha256', key, 'hex')
}

export function issuedFile(stateDir: string): string {
  return join(stateDir, 'keys.json')
}

/** @throws RouterError usage: the file is no list of keys */
export function readIssued(stateDir: string): readonly KeyEntry[] {
  try {
    return fileSchema.parse(JSON.parse(readFileSync(issuedFile(stateDir), 'utf8')))
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return []
    const problem = 'keys.json in the state directory cannot be read as a list of keys'
    throw new RouterError('usage', { problem, fix: 'Move it aside and issue the keys anew.' }, error)
  }
}

function writeIssued(stateDir: string, entries: readonly KeyEntry[]): void {
  mkdirSync(stateDir, { recursive: true, mode: 0o700 })
  const draft = `${issuedFile(stateDir)}.${process.pid}`
  writeFileSync(draft, `${JSON.stringify(entries, null, 2)}\n`, { mode: 0o600 })
  renameSync(draft, issuedFile(stateDir))
}

function shown({ id, name, createdAt, expiresAt, previous, grant = {} }: KeyEntry): IssuedKey {
  return {
    id,
    name,
    createdAt,
    ...(expiresAt !== undefined && { expiresAt }),
    ...(previous && { previousUntil: previous.until }),
    grant,
  }
}
