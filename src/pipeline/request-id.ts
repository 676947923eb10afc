import { randomUUID } from 'node:crypto'

/**
 * A UUID of version 7: the time first, then 74 random bits. Records of one moment stand together in the audit's indexes, so that
 * writing them touches few pages.
 *
 * @param epochMs milliseconds since 1970
 * @see RFC 9562, section 5.7
 */
export function requestIdAt(epochMs: number): string {
  const time = Math.floor(epochMs).toString(16).padStart(12, '0')
  return `${time.slice(0, 8)}-${time.slice(8)}-7${randomUUID().slice(15)}`
}
