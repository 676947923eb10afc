/** Full texts at rest: AES-256-GCM with the operator's key, bound to their request and tenant. */
import { createCipheriv, createDecipheriv, createHash, randomBytes } from 'node:crypto'
import type { KeptContent } from '../spec/audit.ts'
import { RouterError } from '../spec/errors.ts'

/** Whose text it is: sealed into it, so that a text that is moved to another request or tenant cannot be opened. */
export interface ContentOwner {
  readonly requestId: string
  readonly tenant: string | null
}

export interface ContentSealer {
  seal(owner: ContentOwner, content: KeptContent): Buffer
  /** @throws RouterError content_unreadable */
  open(owner: ContentOwner, sealed: Uint8Array): KeptContent
}

/** The same for any value that JSON can say. */
export interface ValueSealer {
  seal(owner: ContentOwner, value: unknown): Buffer
  /** @throws RouterError content_unreadable */
  open(owner: ContentOwner, sealed: Uint8Array): unknown
}

export const CONTENT_KEY = 'SPILLWAY_CONTENT_KEY'

const VERSION = 1
const KEY_BYTES = 32
const KEY_ID_BYTES = 4
const NONCE_BYTES = 12
const TAG_BYTES = 16
const NONCE_AT = 1 + KEY_ID_BYTES
const TAG_AT = NONCE_AT + NONCE_BYTES
const HEADER_BYTES = TAG_AT + TAG_BYTES
const BASE64 = /^[A-Za-z0-9+/]{43}=$/

/** @throws RouterError content_key_unusable; there is no plain text in its place */
export function contentSealer(env: Readonly<Record<string, string | undefined>>): ContentSealer & ValueSealer {
  const { seal, open } = valueSealer(keyIn(env[CONTENT_KEY]?.trim() ?? ''))
  return { seal, open: (owner, sealed) => open(owner, sealed) as KeptContent }
}

/** @param key 32 bytes */
export function valueSealer(key: Buffer): ValueSealer {
  const keyId = createHash('sha256').update('spillway content key').update(key).digest().subarray(0, KEY_ID_BYTES)
  return {
    seal(owner, value) {
      const nonce = randomBytes(NONCE_BYTES)
      const cipher = createCipheriv('aes-256-gcm', key, nonce, { authTagLength: TAG_BYTES })
      cipher.setAAD(boundTo(owner))
      const body = Buffer.concat([cipher.update(JSON.stringify(value), 'utf8'), cipher.final()])
      return Buffer.concat([Buffer.of(VERSION), keyId, nonce, cipher.getAuthTag(), body])
    },
    open(owner, sealed) {
      const bytes = Buffer.from(sealed)
      if (bytes[0] !== VERSION || bytes.length < HEADER_BYTES) throw changed(owner)
      if (!keyId.equals(bytes.subarray(1, NONCE_AT))) throw otherKey(owner)
      const nonce = bytes.subarray(NONCE_AT, TAG_AT)
      const tag = bytes.subarray(TAG_AT, HEADER_BYTES)
      try {
        const decipher = createDecipheriv('aes-256-gcm', key, nonce, { authTagLength: TAG_BYTES })
        decipher.setAAD(boundTo(owner)).setAuthTag(tag)
        const text = Buffer.concat([decipher.update(bytes.subarray(HEADER_BYTES)), decipher.final()])
        return JSON.parse(text.toString('utf8'))
      } catch (error) {
        throw changed(owner, error)
      }
    },
  }
}

function keyIn(text: string): Buffer {
  if (text === '') throw unusable('is not set')
  if (!BASE64.test(text)) throw unusable('is not 32 bytes in base64')
  const key = Buffer.from(text, 'base64')
  // The last character may carry bits that no byte takes: two spellings of one key would be two keys to a person.
  if (key.length !== KEY_BYTES || key.toString('base64') !== text) throw unusable('is not 32 bytes in base64')
  return key
}

function unusable(problem: string): RouterError {
  return new RouterError('content_key_unusable', { variable: CONTENT_KEY, problem })
}

function boundTo({ requestId, tenant }: ContentOwner): Buffer {
  return Buffer.from(JSON.stringify([VERSION, requestId, tenant]))
}

function otherKey({ requestId }: ContentOwner): RouterError {
  const fix = `Set ${CONTENT_KEY} to the key that was in force when the request was answered.`
  return new RouterError('content_unreadable', { requestId, problem: 'they were encrypted with another key', fix })
}

function changed({ requestId }: ContentOwner, cause?: unknown): RouterError {
  const fix = 'Restore the audit database from a backup, or delete it with `spillway store purge`.'
  return new RouterError('content_unreadable', { requestId, problem: 'they were changed on disk', fix }, cause)
}
