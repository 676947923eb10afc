/** Long rows of numbers inside JSON. */

/** Little-endian 32-bit floats in base64. */
export function packed(values: Float32Array): string {
  return Buffer.from(values.buffer, values.byteOffset, values.byteLength).toString('base64')
}

const known = new Map<string, Float32Array>()
/** A fit has a few hundred rows at most; older fits are decoded again. */
const MOST = 512

/** Decoded once per string: a decision must not pay for it. */
export function unpacked(text: string): Float32Array {
  const found = known.get(text)
  if (found) return found
  const bytes = Buffer.from(text, 'base64')
  const values = new Float32Array(bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.length))
  if (known.size >= MOST) known.clear()
  known.set(text, values)
  return values
}
