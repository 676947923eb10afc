/** API keys: the operator's own in a file only the operator can read, issued ones as hashes. */
import { createHmac, timingSafeEqual } from 'node:crypto'
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
  /** Who left something to be done; null when the key was revoked, or is out of date. */
  holderById(id: string): KeyHolder | null
  /** Lower-case hex, 64 characters: the same in every process with this operator's key, and to be had with no other. */
  macOf(text: string): string
}

/** Ours have 47. A file that a crash or a full disk cut off holds no key, and an empty key must never open anything. */
const MIN_KEY_CHARS = 32

/** Opens the keys of a state directory, and makes the operator's key when there is none. */
export function openKeyRing(stateDir: string): KeyRing {
  const keyFile = join(stateDir, 'operator.key')
  const operator = Buffer.from(hashOf(operatorKey(stateDir, keyFile)))
  let issued: readonly Lock[] = []
  let readAt = ''
  const file = issuedFile(stateDir)
  const look = (): void => {
    const version = fileVersion(file)
    if (version === readAt) return
    issued = issuedOrNone(stateDir).map(lockOf)
    readAt = version
  }
  return {
    keyFile,
    macOf: (text) => createHmac('sha256', operator).update(text).digest('hex'),
    holderById(id) {
      look()
      if (id === OPERATOR.id) return OPERATOR
      const found = issued.find(({ holder }) => holder.id === id)
      return found && Date.now() < found.expiresAt ? found.holder : null
    },
    holderOf(key) {
      look()
      if (key.length < MIN_KEY_CHARS) return null
      const presented = Buffer.from(hashOf(key))
      // Every key is compared, so that the time tells nothing about which one came close.
      const [first] = issued.filter((lock) => opens(presented, lock))
      if (equal(presented, operator)) return OPERATOR
      return first?.holder ?? null
    },
  }
}

/** An issued key as it is compared with what is presented. */
interface Lock {
  readonly holder: KeyHolder
  readonly current: Buffer
  /** The secret before the last rotation, and until when it opens, in epoch milliseconds. */
  readonly previous: { readonly secret: Buffer; readonly until: number } | null
  readonly expiresAt: number
}

function lockOf({ id, name, grant = {}, sha256, previous, expiresAt }: KeyEntry): Lock {
  return {
    holder: { id, name, isOperator: false, grant },
    current: Buffer.from(sha256),
    previous: previous ? { secret: Buffer.from(previous.sha256), until: Date.parse(previous.until) } : null,
    expiresAt: expiresAt === undefined ? Number.POSITIVE_INFINITY : Date.parse(expiresAt),
  }
}

/** Both secrets are compared in any case, for the same reason. */
function opens(presented: Buffer, { current, previous, expiresAt }: Lock): boolean {
  const now = Date.now()
  const isCurrent = equal(presented, current)
  const isPrevious = previous !== null && equal(presented, previous.secret) && now < previous.until
  return (isCurrent || isPrevious) && now < expiresAt
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

function equal(a: Buffer, b: Buffer): boolean {
  return a.length === b.length && timingSafeEqual(a, b)
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
