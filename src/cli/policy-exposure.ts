/** Secrets that stand in a policy in spite of all advice: who else can read them, and what of a policy may be printed. */
import { readFileSync, statSync } from 'node:fs'
import { findPrivate } from '../classify/privacy/find.ts'

export interface Exposure {
  /** One sentence: what was found. */
  readonly why: string
  readonly fix: string
}

/** Any of these bits lets another user read a file. */
const READABLE_BY_OTHERS = 0o044

/** @returns null when the file holds no secret, only its owner can read it, or it is not there */
export function exposureOf(file: string): Exposure | null {
  const found = statSync(file, { throwIfNoEntry: false })
  // Windows has no such bits.
  if (!found || process.platform === 'win32' || (found.mode & READABLE_BY_OTHERS) === 0) return null
  if (findPrivate(readFileSync(file, 'utf8'), ['secret']).length === 0) return null
  const mode = (found.mode & 0o777).toString(8)
  return {
    why: `${file} holds a secret and other users can read it (mode ${mode}).`,
    fix: `Move the secret into an environment variable and write \${env:NAME}, or run \`chmod 600 ${file}\`.`,
  }
}

/** The same plain data, with every secret in its texts replaced by `[secret]`. */
export function withoutSecrets(value: unknown): unknown {
  if (typeof value === 'string') return masked(value)
  if (Array.isArray(value)) return value.map(withoutSecrets)
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, withoutSecrets(item)]))
}

function masked(text: string): string {
  const parts: string[] = []
  let from = 0
  for (const { start, end } of findPrivate(text, ['secret'])) {
    parts.push(text.slice(from, start), '[secret]')
    from = end
  }
  return parts.join('') + text.slice(from)
}
