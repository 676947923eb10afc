/** Keys that this program makes for itself: a file each, readable by its owner only. */
import { randomBytes } from 'node:crypto'
import { existsSync, linkSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { dirname } from 'node:path'

const KEY_BYTES = 32

/** The key in a file, made when there is none. @returns null when the file holds no key */
export function secretKey(path: string): Buffer | null {
  if (!existsSync(path)) {
    mkdirSync(dirname(path), { recursive: true, mode: 0o700 })
    const draft = `${path}.${process.pid}.${randomBytes(4).toString('hex')}`
    writeFileSync(draft, randomBytes(KEY_BYTES).toString('hex'), { mode: 0o600 })
    try {
      // Of several processes that start at once only one makes the key.
      linkSync(draft, path)
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error
    } finally {
      rmSync(draft)
    }
  }
  const key = Buffer.from(readFileSync(path, 'utf8').trim(), 'hex')
  return key.length === KEY_BYTES ? key : null
}
