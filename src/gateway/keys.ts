/** API keys: the operator's own in a file only the operator can read, issued ones as hashes. */
import { timingSafeEqual } from 'node:crypto'
import { chmodSync, linkSync, mkdirSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { hashOf, issuedFile, type KeyEntry, type KeyGrant, newKey, readIssued } from './issued-keys.ts'

/** Who a presented key belongs to. */
export interface KeyHolder {
  /** Stays the same when the key is rotated; `operator` for the operator's. */
  readonly id: string
  readonly name: string
  readonly isOperator: boolean
  readonly grant: KeyGrant
}

const OPERATOR: KeyHolder = { id: 'operator', name: 'operator', isOperator: true, grant: { override: true } }

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
  const operator = hashOf(operatorKey(stateDir, keyFile))
  let issued: readonly KeyEntry[] = []
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
      const presented = hashOf(key)
      // Every key is compared, so that the time tells nothing about which one came close.
      const matches = issued.filter((entry) => opens(presented, entry))
      if (equal(presented, operator)) return OPERATOR
      const [entry] = matches
      return entry ? { id: entry.id, name: entry.name, isOperator: false, grant: entry.grant ?? {} } : null
    },
  }
}

/** Both secrets are compared in any case, for the same reason. */
function opens(presented: string, { sha256, previous, expiresAt }: KeyEntry): boolean {
  const now = Date.now()
  const isCurrent = equal(presented, sha256)
  const isPrevious = previous !== undefined && equal(presented, previous.sha256) && now < Date.parse(previous.until)
  return (isCurrent || isPrevious) && (expiresAt === undefined || now < Date.parse(expiresAt))
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

function equal(a: string, b: string): boolean {
  return a.length === b.length && timingSafeEqual(Buffer.from(a), Buffer.from(b))
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
function issuedOrNone(stateDir: string): readonly KeyEntry[] {
  try {
    return readIssued(stateDir)
  } catch {
    return []
  }
}
