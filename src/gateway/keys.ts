/** API keys: the operator's own in a file only the operator can read, issued ones as hashes. */
import { randomBytes, hash as sha, timingSafeEqual } from 'node:crypto'
import { chmodSync, linkSync, mkdirSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { z } from 'zod'
import { RouterError } from '../spec/errors.ts'

const issuedSchema = z.array(z.object({ id: z.string(), name: z.string(), sha256: z.string(), createdAt: z.string() }))

export interface IssuedKey {
  readonly id: string
  readonly name: string
  /** ISO 8601, UTC. */
  readonly createdAt: string
}

/** Who a presented key belongs to. */
export interface KeyHolder {
  readonly name: string
  readonly isOperator: boolean
}

export interface KeyRing {
  readonly keyFile: string
  /** Compares in constant time; null when the key is wrong. Keys that were issued or revoked meanwhile count at once. */
  holderOf(key: string): KeyHolder | null
}

/** Ours have 47. A file that a crash or a full disk cut off holds no key, and an empty key must never open anything. */
const MIN_KEY_CHARS = 32

/** Opens the keys of a state directory, and makes the operator's key when there is none. */
export function openKeyRing(stateDir: string): KeyRing {
  const keyFile = join(stateDir, 'operator.key')
  const operator = hash(operatorKey(stateDir, keyFile))
  let issued: z.output<typeof issuedSchema> = []
  let readAt = ''
  return {
    keyFile,
    holderOf(key) {
      const version = fileVersion(issuedFile(stateDir))
      if (version !== readAt) {
        issued = issuedOrNone(stateDir)
        readAt = version
      }
      if (key.length < MIN_KEY_CHARS) return null
      const presented = hash(key)
      // Every key is compared, so that the time tells nothing about which one came close.
      const matches = issued.filter((entry) => equal(presented, entry.sha256))
      if (equal(presented, operator)) return { name: 'operator', isOperator: true }
      return matches[0] ? { name: matches[0].name, isOperator: false } : null
    },
  }
}

/** @returns the key, shown this once; only its hash is kept */
export function issueKey(stateDir: string, name: string): IssuedKey & { readonly key: string } {
  const key = newKey()
  const entry = { id: randomBytes(4).toString('hex'), name, sha256: hash(key), createdAt: new Date().toISOString() }
  writeIssued(stateDir, [...readIssued(stateDir), entry])
  return { id: entry.id, name, createdAt: entry.createdAt, key }
}

export function listKeys(stateDir: string): readonly IssuedKey[] {
  return readIssued(stateDir).map(({ id, name, createdAt }) => ({ id, name, createdAt }))
}

/** @returns false when there is no key of that id */
export function revokeKey(stateDir: string, id: string): boolean {
  const all = readIssued(stateDir)
  const kept = all.filter((entry) => entry.id !== id)
  if (kept.length === all.length) return false
  writeIssued(stateDir, kept)
  return true
}

function operatorKey(stateDir: string, keyFile: string): string {
  mkdirSync(stateDir, { recursive: true, mode: 0o700 })
  const known = readOperatorKey(keyFile)
  if (known !== null) return known
  const draft = `${keyFile}.${process.pid}`
  writeFileSync(draft, `${newKey()}\n`, { mode: 0o600 })
  try {
    // A link appears whole or not at all: of two servers that start at once, one writes and both read the same key.
    linkSync(draft, keyFile)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error
    if (readOperatorKey(keyFile) === null) renameSync(draft, keyFile)
  } finally {
    rmSync(draft, { force: true })
  }
  return readFileSync(keyFile, 'utf8').trim()
}

/** @returns null when there is no file, or no key in it */
function readOperatorKey(keyFile: string): string | null {
  try {
    const key = readFileSync(keyFile, 'utf8').trim()
    if (statSync(keyFile).mode & 0o077) chmodSync(keyFile, 0o600)
    return key.length < MIN_KEY_CHARS ? null : key
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null
    throw error
  }
}

/** 256 random bits; the prefix lets secret scanners and people recognise it. */
function newKey(): string {
  return `spw_${randomBytes(32).toString('base64url')}`
}

function hash(key: string): string {
  return sha('sha256', key, 'hex')
}

function equal(a: string, b: string): boolean {
  return a.length === b.length && timingSafeEqual(Buffer.from(a), Buffer.from(b))
}

function issuedFile(stateDir: string): string {
  return join(stateDir, 'keys.json')
}

function fileVersion(file: string): string {
  try {
    const found = statSync(file, { throwIfNoEntry: false })
    return found ? `${found.mtimeMs} ${found.size} ${found.ino}` : 'none'
  } catch {
    return 'none'
  }
}

/** A damaged list opens nothing, and must not lock out the operator. */
function issuedOrNone(stateDir: string): z.output<typeof issuedSchema> {
  try {
    return readIssued(stateDir)
  } catch {
    return []
  }
}

function readIssued(stateDir: string): z.output<typeof issuedSchema> {
  try {
    return issuedSchema.parse(JSON.parse(readFileSync(issuedFile(stateDir), 'utf8')))
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return []
    const problem = 'keys.json in the state directory cannot be read as a list of keys'
    throw new RouterError('usage', { problem, fix: 'Move it aside and issue the keys anew.' }, error)
  }
}

function writeIssued(stateDir: string, entries: z.output<typeof issuedSchema>): void {
  mkdirSync(stateDir, { recursive: true, mode: 0o700 })
  const draft = `${issuedFile(stateDir)}.${process.pid}`
  writeFileSync(draft, `${JSON.stringify(entries, null, 2)}\n`, { mode: 0o600 })
  renameSync(draft, issuedFile(stateDir))
}
