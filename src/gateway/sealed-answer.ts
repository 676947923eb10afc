/** A whole HTTP answer, as it is kept for the next try of the same request, and sealed for the disk. */
import { createCipheriv, createDecipheriv, hkdfSync, randomBytes } from 'node:crypto'

export interface KeptAnswer {
  readonly status: number
  readonly headers: Readonly<Record<string, string | readonly string[]>>
  readonly body: Buffer
}

const CIPHER = 'aes-256-gcm'
const SALT_BYTES = 16
const IV_BYTES = 12
const TAG_BYTES = 16
/** Length of the JSON with status and headers. */
const LENGTH_BYTES = 4

/**
 * The key is made of the request itself, its idempotency key included, and is nowhere on disk: only who sends the same request
 * again can open its answer.
 *
 * @param request the idempotency key and the whole request
 */
export function seal(answer: KeptAnswer, request: string): Buffer {
  const head = Buffer.from(JSON.stringify({ status: answer.status, headers: answer.headers }))
  const length = Buffer.alloc(LENGTH_BYTES)
  length.writeUInt32BE(head.length)
  return sealBytes([length, head, answer.body], request)
}

/** @throws Error when the bytes were sealed for another request, or changed since */
export function unseal(sealed: Uint8Array, request: string): KeptAnswer {
  const text = unsealBytes(sealed, request)
  const bodyAt = LENGTH_BYTES + text.readUInt32BE()
  const { status, headers } = JSON.parse(text.toString('utf8', LENGTH_BYTES, bodyAt)) as Omit<KeptAnswer, 'body'>
  return { status, headers, body: text.subarray(bodyAt) }
}

/** @param secret what only those know who may read it */
export function sealBytes(parts: readonly Buffer[], secret: string): Buffer {
  const [salt, iv] = [randomBytes(SALT_BYTES), randomBytes(IV_BYTES)]
  const cipher = createCipheriv(CIPHER, keyOf(secret, salt), iv)
  const text = parts.map((part) => cipher.update(part))
  const last = cipher.final()
  return Buffer.concat([salt, iv, ...text, last, cipher.getAuthTag()])
}

/** @throws Error when the bytes were sealed under another secret, or changed since */
export function unsealBytes(sealed: Uint8Array, secret: string): Buffer {
  const bytes = Buffer.from(sealed)
  const textAt = SALT_BYTES + IV_BYTES
  const key = keyOf(secret, bytes.subarray(0, SALT_BYTES))
  const cipher = createDecipheriv(CIPHER, key, bytes.subarray(SALT_BYTES, textAt))
  cipher.setAuthTag(bytes.subarray(-TAG_BYTES))
  return Buffer.concat([cipher.update(bytes.subarray(textAt, -TAG_BYTES)), cipher.final()])
}

function keyOf(request: string, salt: Uint8Array): Buffer {
  return Buffer.from(hkdfSync('sha256', request, salt, 'spillway kept answer', 32))
}
