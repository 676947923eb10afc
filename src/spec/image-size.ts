/** The size of an image, from the first bytes of its file. Pure. */

export interface ImageSize {
  readonly width: number
  readonly height: number
}

/** JPEG files may carry a preview and colour profiles before their size. */
const HEAD_CHARS = 256 * 1024

/** @returns pixels; null for a file of another kind than PNG, GIF, WebP and JPEG, or a damaged one */
export function imageSize(base64: string): ImageSize | null {
  const bytes = Buffer.from(base64.slice(0, HEAD_CHARS), 'base64')
  try {
    const size = png(bytes) ?? gif(bytes) ?? webp(bytes) ?? jpeg(bytes)
    return size !== null && size.width > 0 && size.height > 0 ? size : null
  } catch {
    // The file ends before its size.
    return null
  }
}

function png(bytes: Buffer): ImageSize | null {
  if (bytes.toString('latin1', 1, 4) !== 'PNG') return null
  return { width: bytes.readUInt32BE(16), height: bytes.readUInt32BE(20) }
}

function gif(bytes: Buffer): ImageSize | null {
  if (bytes.toString('latin1', 0, 4) !== 'GIF8') return null
  return { width: bytes.readUInt16LE(6), height: bytes.readUInt16LE(8) }
}

/** The three forms of a WebP file say it in three places. */
function webp(bytes: Buffer): ImageSize | null {
  if (bytes.toString('latin1', 0, 4) !== 'RIFF' || bytes.toString('latin1', 8, 12) !== 'WEBP') return null
  const form = bytes.toString('latin1', 12, 16)
  if (form === 'VP8X') return { width: 1 + bytes.readUIntLE(24, 3), height: 1 + bytes.readUIntLE(27, 3) }
  if (form === 'VP8 ') return { width: bytes.readUInt16LE(26) & 0x3fff, height: bytes.readUInt16LE(28) & 0x3fff }
  const packed = bytes.readUInt32LE(21)
  return { width: 1 + (packed & 0x3fff), height: 1 + ((packed >> 14) & 0x3fff) }
}

/** Segments follow one another until the one that begins the picture. */
function jpeg(bytes: Buffer): ImageSize | null {
  if (bytes.readUInt16BE(0) !== 0xffd8) return null
  for (let at = 2; at + 9 < bytes.length; at += 2 + bytes.readUInt16BE(at + 2)) {
    const marker = bytes.readUInt16BE(at)
    const isFrame = marker >= 0xffc0 && marker <= 0xffcf && marker !== 0xffc4 && marker !== 0xffc8 && marker !== 0xffcc
    if (isFrame) return { height: bytes.readUInt16BE(at + 5), width: bytes.readUInt16BE(at + 7) }
  }
  return null
}
