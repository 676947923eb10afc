/** Secrets that are written so that a pattern does not see them. Pure. */
import type { Scan, Stretch } from './scan.ts'

/** What an encoded stretch says. */
export interface Decoded extends Stretch {
  readonly text: string
}

/** Longer ones are files, not notes. */
const MAX_ENCODED = 4096
const BASE64 = /^[A-Za-z0-9+/_-]{28,}={0,2}$/
const URL_ENCODED = /%[0-9a-f]{2}/i

/** Long runs that are base64 or URL encoding of readable text. */
export function decodedRuns(text: string, { runs }: Scan): readonly Decoded[] {
  return runs.flatMap(({ start, end }): readonly Decoded[] => {
    if (end - start > MAX_ENCODED) return []
    const run = text.slice(start, end)
    const decoded = URL_ENCODED.test(run) ? fromUrl(run) : fromBase64(run)
    return decoded === null ? [] : [{ start, end, text: decoded }]
  })
}

function fromUrl(run: string): string | null {
  try {
    return decodeURIComponent(run)
  } catch {
    return null
  }
}

/** A run may end like a sentence, or stand behind a name and an equals sign. */
function fromBase64(run: string): string | null {
  const code = run.replace(/^[\w.-]{0,40}[:=](?=.{28})/, '').replace(/[.:|]+$/, '')
  if (!BASE64.test(code)) return null
  const decoded = Buffer.from(code, 'base64').toString('latin1')
  return /^[\t\n\r\x20-\x7e]+$/.test(decoded) ? decoded : null
}
