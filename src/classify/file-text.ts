/** Files that travel inside of a body, as base64 or in a data address: what a model would read in them. Pure. */
import { Buffer, isUtf8 } from 'node:buffer'

/** A file that is text, or holds some that stands open. */
export interface FileText {
  readonly text: string
  /** The same file with another text in its place; null where a change of length would break it. */
  readonly rewritten: ((text: string) => string) | null
}

/** 18 bytes; shorter runs of such letters are words and ids. */
const MIN_CHARS = 24
const DATA_ADDRESS = /^data:[^,;]{0,128}(?:;[^,;]{0,128}){0,8},/i
/** Sought instead of a whole run of letters, for which an expression keeps as many places to go back to. */
const NO_BASE64 = /[^A-Za-z0-9+/_=\r\n-]/
const BYTES_ADDRESS = /^data:[\w.+-]{1,64}\/[\w.+-]{1,64};base64,/i
/** Shorter ones may as well be words. */
const MIN_BYTES_CHARS = 256
/** Letters of base64, a multiple of four; what a file is shows at its beginning. */
const HEAD_CHARS = 4096
/** Of text in an alphabet of one byte; of random bytes it is 0.37. */
const MIN_ASCII = 0.8

/**
 * Known by its bytes, whatever the caller says it is: text in UTF-8, UTF-16 with its mark or an alphabet of one byte, and the open part of a
 * PDF. Null for everything else: images, sound, archives, and text that is no file.
 */
export function fileText(value: string): FileText | null {
  if (value.length < MIN_CHARS) return null
  const address = value.startsWith('data:') ? (DATA_ADDRESS.exec(value)?.[0] ?? '') : ''
  if (address !== '' && !/;base64,$/i.test(address)) return percentFile(address, value.slice(address.length))
  return base64File(address, value.slice(address.length))
}

/** Whether a string is bytes of a file that is no text: nothing can be found or masked in it. */
export function isBytes(value: string): boolean {
  const [address = ''] = BYTES_ADDRESS.exec(value) ?? []
  const code = value.slice(address.length)
  if (address === '' && code.length < MIN_BYTES_CHARS) return false
  return !NO_BASE64.test(code) && fileText(value) === null
}

function percentFile(address: string, code: string): FileText | null {
  try {
    return { text: decodeURIComponent(code), rewritten: (text) => address + encodeURIComponent(text) }
  } catch {
    return null
  }
}

function base64File(address: string, code: string): FileText | null {
  const head = code.slice(0, HEAD_CHARS)
  if (NO_BASE64.test(head)) return null
  const start = Buffer.from(head, 'base64')
  const isPdf = start.toString('latin1', 0, 5) === '%PDF-'
  const wide = isPdf ? null : wideMark(start)
  if (!isPdf && wide === null && holdsControls(start)) return null
  if (NO_BASE64.test(code)) return null
  const bytes = Buffer.from(code, 'base64')
  if (isPdf) return { text: openText(bytes.toString('latin1')), rewritten: null }
  const spelling = /[_-]/.test(code) ? 'base64url' : 'base64'
  const encoding = wide ?? encodingOf(bytes)
  if (encoding === null) return null
  const write = (text: string): string => address + encoded(text, encoding).toString(spelling)
  return { text: decoded(bytes, encoding), rewritten: write }
}

type Encoding = 'utf8' | 'latin1' | 'utf16le' | 'utf16be'

function wideMark([first, second]: Buffer): Encoding | null {
  if (first === 0xff && second === 0xfe) return 'utf16le'
  return first === 0xfe && second === 0xff ? 'utf16be' : null
}

function encodingOf(bytes: Buffer): Encoding | null {
  if (isUtf8(bytes)) return 'utf8'
  let ascii = 0
  for (const byte of bytes) if (byte < 0x7f) ascii++
  return ascii >= bytes.length * MIN_ASCII ? 'latin1' : null
}

function decoded(bytes: Buffer, encoding: Encoding): string {
  if (encoding !== 'utf16be') return bytes.toString(encoding)
  return Buffer.from(bytes.subarray(0, bytes.length - (bytes.length % 2)))
    .swap16()
    .toString('utf16le')
}

function encoded(text: string, encoding: Encoding): Buffer {
  if (encoding !== 'utf16be') return Buffer.from(text, encoding)
  return Buffer.from(text, 'utf16le').swap16()
}

/** But for tab, line feed, form feed and carriage return no text holds any. */
function holdsControls(bytes: Buffer): boolean {
  return bytes.some((byte) => byte < 0x20 && byte !== 0x09 && byte !== 0x0a && byte !== 0x0c && byte !== 0x0d)
}

/** A PDF without its packed streams and its table of places, in which numbers stand as people write telephone numbers. */
function openText(pdf: string): string {
  const parts: string[] = []
  let from = 0
  for (;;) {
    const start = pdf.indexOf('stream', from)
    const end = start < 0 ? -1 : pdf.indexOf('endstream', start)
    if (end < 0) break
    const head = pdf.slice(Math.max(from, pdf.lastIndexOf('obj', start)), start)
    parts.push(pdf.slice(from, start))
    if (!head.includes('/Filter')) parts.push(pdf.slice(start, end))
    from = end + 'endstream'.length
  }
  return [...parts, pdf.slice(from)].join('\n').replace(/^\d{10} \d{5} [nf]\s*$/gm, '')
}
